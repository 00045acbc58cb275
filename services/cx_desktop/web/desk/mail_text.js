/**
 * Part a mail's text into what its writer says now and what is only carried along: quoted mails, a signature. Pure.
 *
 * @param {string} text @param {number | null} [signatureAt] where the hub found a signature, in code points
 * @returns {{said: string, quoted: string, signature: string}}
 */
export function partsOfMail(text, signatureAt = null) {
  const letters = [...text];
  const signature = signatureAt === null ? "" : letters.slice(signatureAt).join("").trim();
  const rest = signatureAt === null ? text : letters.slice(0, signatureAt).join("");
  const lines = rest.split("\n");
  const at = lines.findIndex((line, index) => isQuote(line) && lines.slice(index).every((each) => isQuote(each) || each.trim() === ""));
  if (at < 0) return { said: rest.trim(), quoted: "", signature };
  return { said: lines.slice(0, at).join("\n").trim(), quoted: lines.slice(at).join("\n").trim(), signature };
}

/** @param {string} line */
function isQuote(line) {
  return line.startsWith(">") || /^-{2,} ?(Original|Forwarded) [Mm]essage ?-{2,}$/.test(line) || /^On .{6,120} wrote:$/.test(line);
}
