// Light, dark or as the system says; remembered in this browser.

const KEY = "local-slack-theme";
const ORDER = ["system", "light", "dark"];

function saved() {
  try {
    const value = localStorage.getItem(KEY);
    return ORDER.includes(value) ? value : "system";
  } catch {
    return "system";
  }
}

export function applyTheme() {
  const theme = saved();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function themeName() {
  return `Appearance: ${saved()}`;
}

/** Go to the next appearance and say its name. */
export function cycleTheme() {
  const next = ORDER[(ORDER.indexOf(saved()) + 1) % ORDER.length];
  try {
    localStorage.setItem(KEY, next);
  } catch {
    return themeName();
  }
  applyTheme();
  return themeName();
}
