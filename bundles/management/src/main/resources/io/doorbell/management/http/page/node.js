// The node, over Jolokia. Whatever is in the way is an Error that says so.
const ENDPOINT = new URL("/jolokia", location.origin);
const ANSWER_MILLIS = 30000;

async function post(body) {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_MILLIS),
  });
  if (!response.ok) {
    throw new Error(response.status === 401 ? "the node wants user and password: load this page again"
      : `the node answers ${response.status}: ${(await response.text()).slice(0, 200)}`);
  }
  return response.json();
}

const words = (error) => String(error ?? "no answer").replace(/^[\w.$]+(Exception|Error) : /, "");

/** What each of the requests {name: [mbean, attribute]} has to say now; undefined where the MBean is not there. */
export async function read(wanted) {
  const names = Object.keys(wanted);
  const answers = await post(names.map((name) => {
    const [type, attribute] = wanted[name];
    return { type: "read", mbean: `io.doorbell:type=${type}`, ...(attribute && { attribute }) };
  }));
  return Object.fromEntries(names.map((name, i) => [name, answers[i].status === 200 ? answers[i].value : undefined]));
}

export async function execute(type, operation, ...args) {
  const answer = await post({ type: "exec", mbean: `io.doorbell:type=${type}`, operation, arguments: args });
  if (answer.status !== 200) {
    throw new Error(answer.status === 403 ? "this user may only look" : words(answer.error));
  }
  return answer.value;
}
