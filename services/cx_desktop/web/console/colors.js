/** Choose an ink that can be read on a colour. Pure. */

/**
 * Return the ink with the higher contrast (WCAG 2.2, relative luminance): at least 4.5:1 on any colour.
 *
 * @param {string} color `#rrggbb`
 * @returns {"light-ink" | "dark-ink"}
 */
export function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((at) => linear(Number.parseInt(color.slice(at, at + 2), 16) / 255));
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "light-ink" : "dark-ink";
}

/** @param {number} part */
function linear(part) {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
