// The app's own place: the Home tab it publishes for this person.

import { h } from "./dom.js";
import { patchBlocks } from "./blocks/index.js";
import { viewSurface } from "./surface.js";

export class Home {
  constructor(app) {
    this.app = app;
    this.blocks = h("div", { class: "blocks home-blocks" });
    this.empty = h(
      "div",
      { class: "nothing" },
      h("h3", {}, "Nothing here yet"),
      h(
        "p",
        {},
        "The app has not published its Home for you. It does so when it sees that you opened this tab.",
      ),
    );
    this.node = h("div", { class: "home", tabindex: "-1" }, this.empty, this.blocks);
  }

  show() {
    const view = this.app.world.home;
    this.empty.hidden = Boolean(view);
    if (!view) return this.blocks.replaceChildren();
    if (!this.surface || this.id !== view.id) this.surface = viewSurface(this.app, "home", view);
    this.id = view.id;
    return patchBlocks(this.blocks, this.surface, view.blocks ?? []);
  }
}
