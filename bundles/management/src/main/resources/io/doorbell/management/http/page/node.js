// The node, over Jolokia. Whatever is in the way is an Error that says so.
const ENDPOINT = new URL("/jolokia", location.origin);
const ANSWER_MILLIS = 10000;
/** An operation may wait for what has to drain. */
const DONE_MILLIS = 120000;

/** Nothing more is answered until somebody logs in. */
export class LoginNeeded extends Error {}

async function post(body, millis) {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(millis),
  });
  if (response.status === 401) {
    throw new LoginNeeded("the node wants user and password again");
  }
  if (!response.ok) {
    throw new Error(`the node answers ${response.status}: ${(await response.text()).slice(0, 200).trim()}`);
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
  }), ANSWER_MILLIS);
  return Object.fromEntries(names.map((name, i) => [name, answers[i].status === 200 ? answers[i].value : undefined]));
}

/** Whether who is logged in may change things, or only look. */
export async function mayOperate() {
  const response = await fetch(new URL("/page/user.json", location.origin), { signal: AbortSignal.timeout(ANSWER_MILLIS) });
  return response.ok && (await response.json()).operator === true;
}

export async function execute(type, operation, ...args) {
  const answer = await post({ type: "exec", mbean: `io.doorbell:type=${type}`, operation, arguments: args }, DONE_MILLIS);
  if (answer.status !== 200) {
    throw new Error(answer.status === 403 ? "this user may only look" : words(answer.error));
  }
  return answer.value;
}
