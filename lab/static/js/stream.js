// The one event stream of this tab: numbered, resumed after a cut, and honest about being cut.

const SILENT_AFTER_MS = 8000;
const TRY_AGAIN_MS = 1500;
const KINDS = ['hello', 'beat', 'exchange', 'servers', 'faults', 'revocation', 'watch', 'cost', 'leak', 'reset'];

/** Follow the lab's events. `take(kind, data)` gets each once; `changed(state)` hears `live`, `disconnected`, `restarted`. */
export function follow({ take, changed }) {
  let source;
  let heard = Date.now();
  let state = 'connecting';
  const seen = { epoch: null, last: 0 };

  const become = (next) => {
    if (state !== next) changed((state = next));
  };

  const open = () => {
    source?.close();
    source = new EventSource('/lab/events');
    for (const kind of KINDS) source.addEventListener(kind, (event) => arrived(kind, event));
    source.onerror = () => {
      become('disconnected');
      if (source.readyState === EventSource.CLOSED) refused();
    };
  };

  const arrived = (kind, event) => {
    heard = Date.now();
    const data = JSON.parse(event.data);
    if (kind === 'hello') {
      if (seen.epoch && seen.epoch !== data.epoch) return become('restarted');
      seen.epoch = data.epoch;
    }
    become('live');
    if (kind === 'beat') return;
    if (data.id) {
      if (data.id <= seen.last) return; // a new stream tells everything from the start
      seen.last = data.id;
    }
    take(kind, data);
  };

  /** The lab answered, but not with a stream: it was restarted and does not know this page any more. */
  const refused = async () => {
    const alive = await fetch('/livez', { cache: 'no-store' }).then((answer) => answer.ok, () => false);
    if (alive && seen.epoch) return become('restarted');
    setTimeout(open, TRY_AGAIN_MS);
  };

  setInterval(() => {
    if (Date.now() - heard > SILENT_AFTER_MS && state !== 'restarted') {
      become('disconnected');
      heard = Date.now();
      open();
    }
  }, 1000);
  open();
}
