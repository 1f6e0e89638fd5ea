// What the page knows: the snapshot for one person, kept current by the server's events.

import { Clock } from "./dates.js";
import { learnEmoji } from "./emoji_table.js";

/** Emits `change` events whose detail is the server's event after it has been taken in. */
export class State extends EventTarget {
  constructor() {
    super();
    this.me = null;
    this.team = {};
    this.online = 0;
    this.connected = true;
    this.whispers = new Map();
    this.replace({});
  }

  /** Start over from a snapshot. */
  replace(snapshot) {
    this.me = snapshot.me?.id ?? snapshot.me ?? this.me;
    this.team = snapshot.team ?? this.team;
    this.users = byId(snapshot.users);
    this.groups = byId(snapshot.usergroups);
    this.rooms = byId(snapshot.channels);
    this.commands = snapshot.commands ?? [];
    this.shortcuts = snapshot.shortcuts ?? [];
    this.home = snapshot.home ?? null;
    this.online = snapshot.connections ?? 0;
    this.statuses = new Map();
    this.messages = new Map(
      Object.entries(snapshot.messages ?? {}).map(([channel, list]) => [
        channel,
        new Map(list.map((message) => [message.ts, message])),
      ]),
    );
    for (const message of this.whispers.get(this.me) ?? []) this.put(message);
    learnEmoji(snapshot.emoji ?? {});
    const language = navigator.language ?? "en-US";
    this.clock = new Clock(this.users.get(this.me)?.tz, /^en\b/.test(language) ? language : "en-GB");
  }

  user(id) {
    return this.users.get(id);
  }
  group(id) {
    return this.groups.get(id);
  }
  channel(id) {
    return this.rooms.get(id);
  }
  people() {
    return [...this.users.values()];
  }
  channels() {
    return [...this.rooms.values()];
  }

  get bot() {
    return this.people().find((user) => user.is_bot);
  }
  get dm() {
    return this.channels().find((channel) => channel.kind === "dm");
  }

  /** Who wrote a message; bots may have no user. */
  author(message) {
    return (
      this.user(message.user) ??
      (message.bot_id ? this.bot : null) ?? {
        id: message.user ?? message.bot_id ?? "?",
        name: "unknown",
        real_name: "Unknown",
      }
    );
  }

  all(channel) {
    return [...(this.messages.get(channel)?.values() ?? [])].sort(byTs);
  }

  message(channel, ts) {
    return this.messages.get(channel)?.get(ts);
  }

  /** What stands in the channel itself; replies only when they were broadcast. */
  mainline(channel) {
    return this.all(channel).filter((message) => !isReply(message) || message.subtype === "thread_broadcast");
  }

  /** A thread: its first message and its replies. */
  thread(channel, ts) {
    return this.all(channel).filter((message) => message.ts === ts || message.thread_ts === ts);
  }

  /** Take one server event in, then tell the views. */
  take(event) {
    TAKE[event.type]?.(this, event);
    this.dispatchEvent(new CustomEvent("change", { detail: event }));
  }

  put(message) {
    if (!this.messages.has(message.channel)) this.messages.set(message.channel, new Map());
    this.messages.get(message.channel).set(message.ts, message);
  }

  /** The server tells a whisper once; this tab keeps it while other people are acted as. */
  keepWhispers() {
    const mine = [...this.messages.values()]
      .flatMap((list) => [...list.values()])
      .filter((message) => message.ephemeral_to === this.me);
    this.whispers.set(this.me, mine);
  }

  /** A new message elsewhere makes its channel unread, a mention counts. */
  markUnread(message, openChannel) {
    const channel = this.channel(message.channel);
    if (!channel || message.user === this.me || message.channel === openChannel || isReply(message)) return;
    channel.unread = (channel.unread ?? 0) + 1;
    if (channel.kind === "dm" || message.text?.includes(`<@${this.me}>`))
      channel.mentions = (channel.mentions ?? 0) + 1;
  }

  /** Forget the unread count; true when there was one. */
  markRead(channelId) {
    const channel = this.channel(channelId);
    const had = Boolean(channel?.unread);
    if (channel) Object.assign(channel, { unread: 0, mentions: 0 });
    return had;
  }
}

const put = (state, event) =>
  state.put({ ...event.message, channel: event.message.channel ?? event.channel });
const drop = (state, event) => state.messages.get(event.channel)?.delete(event.ts);

const TAKE = {
  message: put,
  message_changed(state, event) {
    put(state, event);
    if (event.message.ephemeral_to) state.keepWhispers();
  },
  ephemeral(state, event) {
    put(state, event);
    state.keepWhispers();
  },
  message_deleted: drop,
  ephemeral_deleted(state, event) {
    drop(state, event);
    state.keepWhispers();
  },
  reaction(state, { channel, ts, reactions }) {
    const message = state.message(channel, ts);
    if (message) state.put({ ...message, reactions });
  },
  home(state, { view }) {
    state.home = view;
  },
  connections(state, { n }) {
    state.online = n;
  },
  channel(state, { channel }) {
    if (channel?.id) state.rooms.set(channel.id, { ...state.rooms.get(channel.id), ...channel });
  },
  thread_status(state, { channel, thread_ts, status }) {
    state.statuses.set(`${channel}/${thread_ts}`, status);
  },
};

export function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

export function byTs(one, other) {
  return one.ts < other.ts ? -1 : one.ts > other.ts ? 1 : 0;
}

function byId(list) {
  return new Map((list ?? []).map((item) => [item.id, item]));
}
