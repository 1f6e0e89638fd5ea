// Where blocks live: a message, a modal or the App Home. It keeps what was typed and carries presses to the server.

/** The state of the inputs on one surface, shaped like Slack's `state.values`. */
export class Inputs {
  constructor(id, values = {}) {
    this.id = String(id).replace(/[^\w-]/g, "-");
    this.values = structuredClone(values);
  }

  get(block, action) {
    return this.values[block]?.[action];
  }

  /** `quiet` keeps what is there: the initial state of an element must not undo what was typed. */
  set(block, action, state, quiet = false) {
    if (!block || !action || (quiet && this.get(block, action))) return;
    (this.values[block] ??= {})[action] = state;
  }
}

/** The surface of a message. */
export function messageSurface(app, message) {
  return surface(app, "message", { channel: message.channel, ts: message.ts }, new Inputs(message.ts));
}

/** The surface of a view: a modal or the App Home. */
export function viewSurface(app, kind, view) {
  return surface(app, kind, { view_id: view.id }, new Inputs(view.id, view.state?.values ?? {}));
}

function surface(app, kind, where, state) {
  const values = () => (Object.keys(state.values).length ? { values: state.values } : {});
  return {
    kind,
    state,
    world: app.world,
    press: (what) => app.act({ do: "press", ...where, ...what, ...values() }),
    suggest: (what) => app.act({ do: "suggest", ...where, ...what }),
  };
}
