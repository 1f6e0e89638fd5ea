// Times in the viewer's zone, in the forms Slack writes them.

/** A clock bound to one viewer's zone and language. */
export class Clock {
  constructor(zone, locale) {
    this.zone = valid({ timeZone: zone }) ? zone : undefined;
    this.locale = locale && valid({}, locale) ? locale : "en-US";
  }

  format(seconds, options) {
    return new Intl.DateTimeFormat(this.locale, { timeZone: this.zone, ...options }).format(
      new Date(seconds * 1000),
    );
  }

  time(seconds, more = {}) {
    return this.format(seconds, { hour: this.hour, minute: "2-digit", ...more });
  }

  /** "09:05" where the day has 24 hours, "9:05 AM" where it has twelve. */
  get hour() {
    const { hour12 } = new Intl.DateTimeFormat(this.locale, { hour: "numeric" }).resolvedOptions();
    return hour12 ? "numeric" : "2-digit";
  }

  /** The full moment with its zone, for tooltips. */
  full(seconds) {
    return this.format(seconds, { dateStyle: "full", timeStyle: "long" });
  }

  dayKey(seconds) {
    return new Intl.DateTimeFormat("en-CA", { timeZone: this.zone }).format(new Date(seconds * 1000));
  }

  /** "Today", "Yesterday" or null. */
  near(seconds) {
    const day = this.dayKey(seconds);
    const now = Date.now() / 1000;
    if (day === this.dayKey(now)) return "Today";
    if (day === this.dayKey(now - 86400)) return "Yesterday";
    return day === this.dayKey(now + 86400) ? "Tomorrow" : null;
  }

  day(seconds) {
    return this.near(seconds) ?? this.format(seconds, { weekday: "long", month: "long", day: "numeric" });
  }

  /** A `<!date>` template with its tokens filled in. */
  template(seconds, template) {
    return template.replace(/\{(\w+)\}/g, (whole, token) => this.token(seconds, token) ?? whole);
  }

  token(seconds, token) {
    const pretty = token.endsWith("_pretty") ? this.near(seconds)?.toLowerCase() : null;
    if (pretty) return pretty;
    switch (token.replace(/_pretty$/, "")) {
      case "date_num":
        return this.dayKey(seconds);
      case "date_slash":
        return this.format(seconds, { year: "numeric", month: "2-digit", day: "2-digit" });
      case "date":
      case "day_divider":
        return this.format(seconds, { year: "numeric", month: "long", day: "numeric" });
      case "date_short":
        return this.format(seconds, { year: "numeric", month: "short", day: "numeric" });
      case "date_long":
        return this.format(seconds, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
      case "time":
        return this.time(seconds);
      case "time_secs":
        return this.time(seconds, { second: "2-digit" });
      case "ago":
        return ago(seconds);
      default:
        return null;
    }
  }
}

function valid(options, locale = "en-US") {
  try {
    new Intl.DateTimeFormat(locale, options);
    return true;
  } catch {
    return false;
  }
}

/** "3 minutes ago", "in 2 hours". */
export function ago(seconds) {
  const distance = seconds - Date.now() / 1000;
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, size] of [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ]) {
    if (Math.abs(distance) >= size) return words.format(Math.round(distance / size), unit);
  }
  return distance > -10 && distance < 10 ? "just now" : words.format(Math.round(distance), "second");
}
