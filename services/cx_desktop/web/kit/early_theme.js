// Runs before the first paint, so that a page that was switched to dark doesn't flash. No module: those run later.
try {
  if (localStorage.theme) document.documentElement.dataset.theme = localStorage.theme;
} catch {
  // storage is refused: the theme follows the system
}
