import { h } from '../dom.js';

const FOUR = [1, 2, 3, 4];

export default {
  title: 'The second server does not know you',
  question: 'What happens when the next request goes to another server?',
  predict: {
    ask: 'You log in at memory-1, which keeps sessions in its own memory. A balancer sends your next request to memory-2. What does it answer?',
    options: ['200: the cookie is valid', '401: it has never heard of that cookie', '503: it cannot tell'],
    right: 1,
  },
  steps: [{
    title: 'Log in once',
    say: 'The textbook session: a dictionary in the memory of one process.',
    do: ['Press “Log in at memory-1”.', 'You see “memory-1 answered 200”.'],
    buttons: { 'Log in at memory-1': (act) => act.login('login-memory', 'memory-1') },
    explain: (seen) => seen.last('login-memory')?.status === 200 && 'One server has written you down. The other was not told.',
  }, {
    title: 'Be dealt',
    say: 'The lab deals requests to the two memory servers in turn, as a balancer does.',
    do: ['Press “Call four times”.', 'You see “memory-1 answered 200”.', 'You see “memory-2 answered 401”.'],
    buttons: {
      'Call four times': async (act, seen) => {
        if (!seen.last('login-memory')) await act.login('login-memory', 'memory-1');
        for (const at of FOUR) await act.cookie(`deal-${at}`, 'memory');
      },
    },
    explain: (seen) => {
      const some = seen.all.filter((one) => one.label.startsWith('deal-')).slice(-4);
      return `${some.filter((one) => one.status === 200).length} of ${some.length} calls were accepted: whether you are logged in depends on where you land.`;
    },
  }, {
    title: 'Stick',
    say: 'A sticky balancer sends each caller to one server for ever.',
    do: ['Press “Stick to memory-1”.', 'You see “memory-1 answered 200”.'],
    buttons: {
      'Stick to memory-1': async (act, seen) => {
        if (!seen.last('login-memory')) await act.login('login-memory', 'memory-1');
        for (const at of FOUR) await act.cookie(`stick-${at}`, 'memory-1');
      },
    },
    explain: () => 'It works, until that one server restarts: then everybody who sticks to it is logged out.',
  }, {
    title: 'Share the store',
    say: 'These two session servers keep sessions in one Redis.',
    do: ['Press “Log in and be dealt again”.', 'You see “session-1 answered 200”.', 'You see “session-2 answered 200”.'],
    buttons: {
      'Log in and be dealt again': async (act) => {
        await act.login('login-session', 'session-1');
        for (const at of FOUR) await act.cookie(`shared-${at}`, 'session');
      },
    },
    explain: () => 'Wherever you land, the answer is the same. The price is one look into the store for each request, and that the store must be there.',
  }],
  point: 'State in one process ties each caller to that process. Sticky sessions hide it; a shared store ends it, at the price of a lookup.',
  next: ['In the free bench, restart memory-1 and call again.', 'Open a call of “Be dealt” and look at the Cookie header: it carries the cookies of every server here.'],
  aside: () =>
    h(
      'details',
      { class: 'note', 'data-key': 'cookies' },
      h('summary', null, 'Why one cookie reaches every port'),
      h('p', null, 'Cookies belong to a host name, not to a port. All servers here are 127.0.0.1, so your browser would send each cookie to every one of them; that is why each store’s cookie has a name of its own, and why the lab can put all servers under one address. On real domains a host-only cookie with the __Host- prefix and Secure goes to exactly one host, over HTTPS, and to nobody else. A token goes where the page sends it, and nowhere by itself.'),
    ),
};
