// Runs before the first paint, so that a chosen theme never flashes. Classic script: modules come later.
try {
  const chosen = localStorage.getItem('authlab-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch { /* storage is switched off: the system's theme it is */ }
