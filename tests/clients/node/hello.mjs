// Ask a hub for its readiness.
const answer = await fetch(`${process.env.CX_URL}/readyz`);
if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
console.log("the hub is ready");
