// The page: joins the parts, follows the address bar and the server's events.

import { act, listen, snapshot } from "./api.js";
import { Conversation } from "./conversation.js";
import { h } from "./dom.js";
import { Modals } from "./modal.js";
import { closePopover } from "./popover.js";
import { Sidebar } from "./sidebar.js";
import { isReply, State } from "./state.js";
import { applyTheme } from "./theme.js";
import { Thread } from "./thread.js";

const TOAST_FOR = 6000;
const RETRY_AFTER = 2000;
const SAYS = {
  stale: "This has changed in the meantime. Look at it again.",
  no_connection: "Local Slack does not answer.",
  operation_timeout: "The app did not answer the command within 3 seconds.",
};
const FIRST_PERSON = "U0ANN";

class App {
  constructor() {
    this.world = new State();
    this.world.open = (channel) => this.open(channel);
    this.place = this.fromAddress();
    this.sidebar = new Sidebar(this);
    this.conversation = new Conversation(this);
    this.thread = new Thread(this);
    this.modals = new Modals(this);
    this.live = h("div", { class: "visually-hidden", "aria-live": "polite" });
    this.toasts = h("div", { class: "toasts", role: "status" });
    this.banner = h(
      "div",
      { class: "banner", role: "alert", hidden: true },
      "The connection to local Slack is lost. Trying again…",
    );
    document.body.replaceChildren(
      this.banner,
      h(
        "div",
        { class: "frame" },
        this.sidebar.rail,
        this.sidebar.node,
        this.conversation.node,
        this.thread.node,
      ),
      this.live,
      this.toasts,
    );
    this.world.addEventListener("change", ({ detail }) => this.changed(detail));
    addEventListener("popstate", () => this.travelled());
    addEventListener("keydown", (event) => this.key(event));
  }

  fromAddress() {
    const asked = new URLSearchParams(location.search);
    return {
      as: asked.get("as") ?? FIRST_PERSON,
      channel: asked.get("channel"),
      thread: asked.get("thread"),
      home: asked.get("tab") === "home",
    };
  }

  address({ as, channel, thread, home }) {
    const query = new URLSearchParams({ as });
    if (channel) query.set("channel", channel);
    if (thread) query.set("thread", thread);
    if (home) query.set("tab", "home");
    return `?${query}`;
  }

  /** Load everything for the person in the address and listen from then on. */
  start() {
    this.stop?.();
    const user = this.place.as;
    this.early = [];
    this.stop = listen(
      user,
      (event) => this.hear(user, event),
      (state) => this.connection(state),
    );
  }

  /** The stream says `ready` each time it (re)connects: only then is a snapshot sure to miss nothing. */
  hear(user, event) {
    if (event.type === "ready") this.load(user);
    else if (this.early) this.early.push(event);
    else this.world.take(event);
  }

  async load(user) {
    this.early = [];
    try {
      const snap = await snapshot(user);
      if (user !== this.place.as) return;
      if (snap.ok === false) throw new Error(snap.error);
      this.world.replace(snap);
      this.settle();
      this.modals.restore(snap.views ?? []);
    } catch (error) {
      this.toast(`Local Slack does not answer (${error.message}). Trying again…`);
      setTimeout(() => user === this.place.as && this.load(user), RETRY_AFTER);
      return;
    }
    const early = this.early;
    this.early = null;
    early.forEach((one) => this.world.take(one));
  }

  /** Make sure the place exists for this person, then draw it. */
  settle() {
    const rooms = this.world.channels();
    const known = this.world.channel(this.place.channel);
    if (!known)
      Object.assign(this.place, {
        channel: rooms.find((one) => one.kind !== "dm")?.id ?? rooms[0]?.id ?? null,
        thread: null,
        home: false,
      });
    if (this.place.home && this.world.channel(this.place.channel)?.kind !== "dm") this.place.home = false;
    history.replaceState(null, "", this.address(this.place));
    this.drawAll();
  }

  drawAll() {
    closePopover();
    this.markRead();
    this.sidebar.show();
    this.conversation.moved();
    this.thread.moved();
    const channel = this.world.channel(this.place.channel);
    document.title = `${channel?.kind === "dm" ? this.world.bot?.name : `#${channel?.name ?? ""}`} · ${this.world.user(this.world.me)?.name ?? ""} · local Slack`;
  }

  markRead() {
    const { channel } = this.place;
    if (channel && this.world.markRead(channel)) this.act({ do: "read", channel }, { quiet: true });
  }

  go(change) {
    this.place = { ...this.place, ...change };
    history.pushState(null, "", this.address(this.place));
    document.body.classList.remove("show-sidebar");
    this.drawAll();
  }

  travelled() {
    const before = this.place.as;
    this.place = this.fromAddress();
    return before === this.place.as ? this.settle() : this.start();
  }

  open(channel) {
    const dm = this.world.channel(channel)?.kind === "dm";
    if (dm) this.act({ do: "open_messages_tab" }, { quiet: true });
    this.go({ channel, thread: null, home: false });
    this.conversation.composer.area.focus({ preventScroll: true });
  }

  openHome() {
    this.go({ channel: this.world.dm?.id, thread: null, home: true });
    this.act({ do: "open_home" }, { quiet: true });
  }

  openMessages() {
    this.open(this.world.dm?.id);
  }

  openThread(channel, thread) {
    this.go({ channel, thread, home: false });
    this.thread.composer.area.focus({ preventScroll: true });
  }

  closeThread() {
    this.go({ thread: null });
  }

  showSidebar() {
    document.body.classList.add("show-sidebar");
  }

  become(user) {
    if (user === this.place.as) return;
    this.modals.reset([]);
    this.live.textContent = "";
    this.place = { ...this.place, as: user };
    history.pushState(null, "", this.address(this.place));
    this.start();
  }

  /** Do something as the current person. Failures are shown unless `quiet`. */
  async act(what, { quiet = false } = {}) {
    const answer = await act(this.world.me, what);
    if (!answer.ok && !quiet && !answer.errors)
      this.toast(
        SAYS[answer.error] ??
          `That did not work: ${String(answer.error ?? "unknown error").replaceAll("_", " ")}`,
      );
    return answer;
  }

  toast(message) {
    const node = h("div", { class: "toast" }, message);
    this.toasts.append(node);
    setTimeout(() => node.remove(), TOAST_FOR);
  }

  async copyLink(message) {
    const thread = message.thread_ts ?? undefined;
    const address = new URL(
      this.address({ as: this.world.me, channel: message.channel, thread }),
      location.href,
    ).href;
    try {
      await navigator.clipboard.writeText(address);
      this.toast("Link copied");
    } catch {
      this.toast(address);
    }
  }

  editLast({ channel, thread_ts: thread }) {
    const own = (thread ? this.world.thread(channel, thread) : this.world.mainline(channel))
      .filter((one) => one.user === this.world.me && !one.ephemeral_to)
      .at(-1);
    const list = thread ? this.thread.list : this.conversation.list;
    if (own) list.views.get(own.ts)?.edit();
  }

  changed(event) {
    const channel = event.channel?.id ?? event.channel ?? event.message?.channel;
    if (event.type === "message" || event.type === "ephemeral") this.arrived(event.message);
    if (event.type === "connections") this.sidebar.showStatus();
    if (event.type === "channel") this.sidebar.show();
    if (event.type === "home") this.conversation.refresh();
    if (channel === this.place.channel) this.refreshSoon();
  }

  /** Many events in one moment make one redraw. */
  refreshSoon() {
    if (this.waiting) return;
    this.waiting = true;
    queueMicrotask(() => {
      this.waiting = false;
      this.conversation.refresh();
      this.thread.refresh();
    });
  }

  arrived(message) {
    this.world.markUnread(message, document.hidden || this.place.home ? null : this.place.channel);
    this.sidebar.showChannels();
    if (message.channel !== this.place.channel || message.user === this.world.me) return;
    const name = this.world.author(message).real_name;
    this.live.textContent = `${name}: ${(message.text ?? "").slice(0, 200)}${isReply(message) ? " (in a thread)" : ""}`;
  }

  connection(state) {
    this.world.connected = state !== "lost";
    this.banner.hidden = this.world.connected;
    this.sidebar.showStatus();
  }

  key(event) {
    if (
      event.key === "Escape" &&
      this.place.thread &&
      !event.defaultPrevented &&
      !document.querySelector("dialog[open]")
    )
      this.closeThread();
  }
}

applyTheme();
new App().start();
