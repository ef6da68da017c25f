#!/usr/bin/env python3
"""oracle.py: the cron dialect by brute force, to compare with (see differential).

Deliberately slow and plain, and sharing nothing with cron/: it walks UTC time step by step (one minute, or one second
when seconds matter), turns every step into local civil time with Python's zoneinfo, and asks "does this civil time
match?". No bitsets, no carry logic, no local -> UTC conversion, no tables of transitions."""
import sys, re, datetime as D
from zoneinfo import ZoneInfo

UTC = D.timezone.utc
EPOCH = D.datetime(1970, 1, 1, tzinfo=UTC)
Y_MIN, Y_MAX = 1970, 2199            # supported local years, inclusive

MON = {n: i + 1 for i, n in enumerate(
    "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}
DOW = {n: i for i, n in enumerate("SUN MON TUE WED THU FRI SAT".split())}
#          name     lo  hi  names  H-hi
FIELDS = [("second", 0, 59, {}, 59), ("minute", 0, 59, {}, 59), ("hour", 0, 23, {}, 23),
          ("dom", 1, 31, {}, 28), ("month", 1, 12, MON, 12), ("dow", 0, 7, DOW, 6),
          ("year", Y_MIN, Y_MAX, {}, None)]
MACROS = {"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@quarterly": "0 0 1 1,4,7,10 *",
          "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *",
          "@midnight": "0 0 * * *", "@hourly": "0 * * * *", "@minutely": "* * * * *"}


class CronError(ValueError):
    def __init__(self, code, field, msg):
        super().__init__("%s%s: %s" % (code, " in field '%s'" % field if field else "", msg))
        self.code, self.field = code, field


# ------------------------------------------------------------------ hash (H)
def h64(seed, salt):
    """FNV-1a/64 over seed + 0x1f + salt, then the murmur3 64-bit finaliser."""
    h = 0xcbf29ce484222325
    for b in seed.encode("utf-8") + b"\x1f" + salt.encode("ascii"):
        h = ((h ^ b) * 0x100000001b3) & (2**64 - 1)
    h ^= h >> 33; h = h * 0xff51afd7ed558ccd & (2**64 - 1)
    h ^= h >> 33; h = h * 0xc4ceb9fe1a85ec53 & (2**64 - 1)
    return h ^ (h >> 33)


# ------------------------------------------------------------------ parsing
# An item is a tuple; items are kept as written, never expanded into sets:
#   ('range', lo, hi, step, size, base)   cyclic range, value v matches if its
#                                         distance from lo (mod size) is <= the
#                                         distance of hi and divisible by step
#   ('L', n) ('LW', n) ('W', d)           day of month
#   ('dowL', w) ('nth', w, k)             day of week
def value(tok, f):
    name, lo, hi, names, _ = f
    if tok.upper() in names:
        return names[tok.upper()]
    if not re.fullmatch(r"\d{4}" if name == "year" else r"\d{1,2}", tok):
        raise CronError("E_VALUE", name, "bad value %r" % tok)
    v = int(tok)
    if not lo <= v <= hi:
        raise CronError("E_RANGE", name, "%d is outside %d-%d" % (v, lo, hi))
    return v


def step_of(tok, f):
    name, lo, hi = f[0], f[1], f[2]
    top = hi - lo if name == "year" else hi
    if not re.fullmatch(r"\d{1,3}", tok) or not 1 <= int(tok) <= top:
        raise CronError("E_STEP", name, "step %r must be 1-%d" % (tok, top))
    return int(tok)


def cyc(f, a, b, step):
    """cyclic range a..b/step in field f"""
    name, lo, hi = f[0], f[1], f[2]
    if name == "dow":
        if a <= b:                       # 0-7, 5-7, 1-7/2 : 7 is a real position
            return ("range", a, b, step, 8, 0)
        if a == 7:
            return cyc(f, 0, b, step)    # 7-2 is 0-2
        return ("range", a, b, step, 7, 0)
    return ("range", a, b, step, hi - lo + 1, lo)


def parse_field(text, idx, seed, interval):
    f = FIELDS[idx]
    name, lo, hi, names, hhi = f
    out = []
    if text == "?":
        if name not in ("dom", "dow"):
            raise CronError("E_CHAR", name, "'?' is only for day fields")
        return [cyc(f, lo, 6 if name == "dow" else hi, 1)]
    for it in text.split(","):
        if it == "":
            raise CronError("E_SYNTAX", name, "empty list item")
        u = it.upper()
        m = re.fullmatch(r"([^-/]+)(?:-([^-/]+))?(?:/(.*))?", u)
        if name == "dom":
            s = re.fullmatch(r"L(?:-(\d{1,2}))?(W)?", u)
            if s:
                n = int(s[1] or 0)
                if n > 30:
                    raise CronError("E_RANGE", name, "L offset must be 0-30")
                out.append(("LW" if s[2] else "L", n)); continue
            s = re.fullmatch(r"(\d{1,2})W", u)
            if s:
                out.append(("W", value(s[1], f))); continue
        if name == "dow":
            s = re.fullmatch(r"(\w+?)(?:L|#L)", u)
            if s and u != "L":
                out.append(("dowL", value(s[1], f) % 7)); continue
            s = re.fullmatch(r"(\w+)#([1-5])", u)
            if s:
                out.append(("nth", value(s[1], f) % 7, int(s[2]))); continue
        s = re.fullmatch(r"H(?:\((\w+)-(\w+)\))?(?:/(.*))?", u)
        if s:
            if seed is None or hhi is None:
                raise CronError("E_HASH", name, "H needs a seed and is not allowed in 'year'")
            a, b = (value(s[1], f), value(s[2], f)) if s[1] else (lo, hhi)
            if a > b:
                raise CronError("E_RANGE", name, "H(a-b) must not wrap")
            if s[3] is None:
                v = a + h64(seed, name) % (b - a + 1)
                out.append(cyc(f, v, v, 1))
            else:
                st = step_of(s[3], f)
                if st > b - a + 1:
                    raise CronError("E_STEP", name, "H step larger than its range")
                interval[0] = True if name in ("second", "minute", "hour") else interval[0]
                out.append(cyc(f, a + h64(seed, name) % st, b, st))
            continue
        if not m:
            raise CronError("E_SYNTAX", name, "cannot read %r" % it)
        a, b, st = m[1], m[2], m[3]
        step = 1 if st is None else step_of(st, f)
        if a == "*":
            if b is not None:
                raise CronError("E_SYNTAX", name, "cannot read %r" % it)
            item = cyc(f, lo, 6 if name == "dow" else hi, step)
        elif b is None and st is None:
            v = value(a, f)
            item = cyc(f, v, v, 1)
        elif b is None:                                  # a/n
            v = value(a, f)
            item = cyc(f, v, 7 if v == 7 else 6, step) if name == "dow" else cyc(f, v, hi, step)
        else:
            va, vb = value(a, f), value(b, f)
            if name == "year" and va > vb:
                raise CronError("E_RANGE", name, "years do not wrap")
            item = cyc(f, va, vb, step)
        if name in ("second", "minute", "hour") and (a == "*" or b is not None or st is not None):
            interval[0] = True
        out.append(item)
    return out


class Spec:
    def __init__(self, expr, seed=None):
        text = expr.strip(" \t")
        if not all(" " <= c <= "~" or c == "\t" for c in text):
            raise CronError("E_CHAR", None, "only printable ASCII is allowed")
        self.tz = None
        self.every = None
        m = re.match(r"(?:CRON_TZ|TZ)=(\S+)[ \t]+(.*)$", text)
        if m:
            self.tz, text = m[1], m[2]
            zone_of(self.tz)
        if text == "":
            raise CronError("E_EMPTY", None, "empty expression")
        if text[0] == "@":
            low = text.lower()
            if low == "@reboot":
                raise CronError("E_EVENT", None, "@reboot is an event, it has no fire times")
            m = re.fullmatch(r"@every[ \t]+(.*)", low)
            if m:
                d = re.fullmatch(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", m[1])
                secs = sum(int(x or 0) * k for x, k in
                           zip(d.groups(), (604800, 86400, 3600, 60, 1))) if d else 0
                if secs < 1:
                    raise CronError("E_DURATION", None, "bad duration %r" % m[1])
                self.every = secs
                return
            if low not in MACROS:
                raise CronError("E_MACRO", None, "unknown nickname %r" % text)
            text = MACROS[low]
        parts = re.split(r"[ \t]+", text)
        if len(parts) not in (5, 6, 7):
            raise CronError("E_COUNT", None, "%d fields, need 5, 6 or 7" % len(parts))
        if len(parts) == 5:
            parts.insert(0, "0")
        if len(parts) == 6:
            parts.append("*")
        self.plus = parts[5].startswith("+")
        if self.plus:
            parts[5] = parts[5][1:]
        self.dom_star = parts[3][:1] in ("*", "?")
        self.dow_star = parts[5][:1] in ("*", "?")
        interval = [False]
        self.f = [parse_field(p, i, seed, interval) for i, p in enumerate(parts)]
        self.interval = interval[0]
        self.sec0 = parts[0] in ("0", "00")
        # impossible dates: look for one matching local date in the whole horizon
        for y in range(Y_MIN, Y_MAX + 1):
            if not any_range(self.f[6], y):
                continue
            d = D.date(y, 1, 1)
            while d.year == y:
                if self.day(d):
                    return
                d += D.timedelta(1)
        raise CronError("E_NEVER", "dom", "no date can ever match")

    # -- matching
    def day(self, d):
        if not any_range(self.f[6], d.year) or not any_range(self.f[4], d.month):
            return False
        dom = any(dom_item(i, d) for i in self.f[3])
        dow = any(dow_item(i, d) for i in self.f[5])
        if self.plus or self.dom_star or self.dow_star:
            return dom and dow
        return dom or dow

    def civil(self, c):
        """c: naive local datetime"""
        return (any_range(self.f[2], c.hour) and any_range(self.f[1], c.minute)
                and any_range(self.f[0], c.second) and self.day(c.date()))


def in_range(item, v):
    _, lo, hi, step, size, base = item
    dist = (v - lo) % size
    return dist <= (hi - lo) % size and dist % step == 0


def any_range(items, v):
    return any(in_range(i, v) for i in items)


def last_day(d):
    n = d.replace(day=28) + D.timedelta(4)
    return (n - D.timedelta(n.day)).day


def nearest_weekday(d, day):
    """Mon-Fri date nearest to `day` of d's month, staying in the month"""
    if day < 1 or day > last_day(d):
        return None
    t = d.replace(day=day)
    for delta in (0, -1, 1, -2, 2):
        c = t + D.timedelta(delta)
        if c.month == t.month and c.isoweekday() <= 5:
            return c.day


def dom_item(it, d):
    if it[0] == "range":
        return in_range(it, d.day)
    last = last_day(d)
    if it[0] == "L":
        return d.day == last - it[1]
    if it[0] == "LW":
        return d.day == nearest_weekday(d, last - it[1])
    return d.day == nearest_weekday(d, it[1])


def dow_item(it, d):
    w = d.isoweekday() % 7
    if it[0] == "range":
        return in_range(it, w) or (w == 0 and it[4] == 8 and in_range(it, 7))
    if it[1] != w:
        return False
    if it[0] == "dowL":
        return (d + D.timedelta(7)).month != d.month
    return (d.day + 6) // 7 == it[2]


# ------------------------------------------------------------------ walking
def zone_of(name):
    if name in ("", "UTC", "Etc/UTC", "Z"):
        return UTC
    if name.startswith("/") or ".." in name:
        raise CronError("E_TZ", None, "bad zone name %r" % name)
    try:
        return ZoneInfo(name)
    except Exception:
        raise CronError("E_TZ", None, "unknown zone %r" % name)


def local(t, zone):
    return D.datetime.fromtimestamp(t, UTC).astimezone(zone)


def off(t, zone):
    return int(local(t, zone).utcoffset().total_seconds())


def chunk(spec, zone, t0, t1):
    """all fire instants in [t0, t1), ascending; t0, t1 multiples of 60"""
    step = 60 if spec.sec0 and off(t0, zone) % 60 == 0 and off(t1, zone) % 60 == 0 else 1
    before = off(t0 - step, zone)
    for t in range(t0, t1, step):
        c = local(t, zone)
        now = int(c.utcoffset().total_seconds())
        fire = False
        if now > before:                                   # a gap ended in (t-step, t]
            T = t
            while off(T - 1, zone) == now:
                T -= 1
            assert T == t or step == 1, "transition off the minute grid"
            gap, hit = now - before, False
            L = D.datetime(1970, 1, 1) + D.timedelta(seconds=T + before)
            end = L + D.timedelta(seconds=gap)
            while L < end:
                if spec.civil(L):
                    covered = spec.interval or gap >= 86400
                    if not (covered and spec.civil(L + D.timedelta(seconds=gap))):
                        hit = True
                        break
                L += D.timedelta(seconds=step)
            fire = hit
        if not fire and spec.civil(c.replace(tzinfo=None)):
            fire = spec.interval or c.fold == 0            # fixed: first pass only
        if fire:
            yield t
        before = now


def maybe(spec, day0):
    """could any local date touching this UTC day match?"""
    d = (EPOCH + D.timedelta(seconds=day0)).date()
    return any(spec.day(d + D.timedelta(k)) for k in (-1, 0, 1))


def fires(expr, tz, t, n, seed=None, prev=False, days=None):
    """n fires after (before) t, and the instant up to (down to) which that is all of them: `days` bounds the walk"""
    spec = expr if isinstance(expr, Spec) else Spec(expr, seed)
    out = []
    if spec.every:
        k = t // spec.every + 1 if not prev else -(-t // spec.every) - 1
        out = [(k + (i if not prev else -i)) * spec.every for i in range(n)]
        return out, out[-1]
    zone = zone_of(spec.tz or tz)
    lo = int((D.datetime(Y_MIN, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
    hi = int((D.datetime(Y_MAX + 1, 1, 2, tzinfo=UTC) - EPOCH).total_seconds())
    day0 = min(max(t // 86400 * 86400, lo), hi - 86400)    # horizon: local 1970..2199
    walked = 0
    while lo <= day0 < hi and len(out) < n and walked != days:
        walked += 1
        if maybe(spec, day0):
            # within the first day skip ahead by whole hours to save time
            a, b = day0, day0 + 86400
            if not prev:
                a = max(a, t // 3600 * 3600)
            got = chunk(spec, zone, a, b)
            if prev:
                got = reversed([x for x in got if x < t])
            for x in got:
                if (x > t if not prev else x < t):
                    out.append(x)
                    if len(out) == n:
                        break
        day0 += 86400 if not prev else -86400
    if len(out) == n:
        return out, out[-1]
    return out, (day0 - 1 if not prev else day0 + 86400)


def iso(t):
    return (EPOCH + D.timedelta(seconds=t)).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(s):
    d = D.datetime.fromisoformat(s.strip().replace("Z", "+00:00"))
    if d.tzinfo is None:
        d = d.replace(tzinfo=UTC)
    return (d - EPOCH) // D.timedelta(seconds=1)           # floor
