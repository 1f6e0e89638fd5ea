// The page's only way to the server: the snapshot, the event stream and what a person does.

const TIMEOUT = 20000;

async function asked(path, options = {}) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT) });
  if (!response.ok && response.headers.get("content-type")?.includes("json") !== true)
    throw new Error(`HTTP ${response.status}`);
  return response.json();
}

/** Everything one person may see right now. */
export function snapshot(user) {
  return asked(`/page/state?as=${encodeURIComponent(user ?? "")}`);
}

/** Do something as a person; always resolves to `{ok, error?, ...}`. */
export async function act(user, what) {
  try {
    return await asked("/page/act", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ as: user, ...what }),
    });
  } catch (error) {
    return { ok: false, error: error.name === "TimeoutError" ? "timed_out" : "no_connection" };
  }
}

/** A live event stream: `onEvent` per event, `onState("open"|"lost")` when the connection changes. */
export function listen(user, onEvent, onState) {
  const source = new EventSource(`/page/events?as=${encodeURIComponent(user)}`);
  source.onopen = () => onState("open");
  source.onerror = () => onState("lost");
  source.onmessage = (message) => onEvent(JSON.parse(message.data));
  return () => source.close();
}

/** The first part of a text file. */
export async function fileText(address, limit = 400000) {
  const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.text()).slice(0, limit);
}
