"""Prices usage as CONTRACT.md says, in fractions, without Postgres and without a line of the program.

Reads a directory with a file for each of `events`, `prices` and the views: a line of JSON for each row, with
every value as text. What is of a session is in the order of sessions, and is calculated session by session.
Prints every difference, at most twenty, and exits 1 when there is one.
"""

import json
import os
import re
import sys
from bisect import bisect_right
from collections import defaultdict
from fractions import Fraction
from functools import cache
from heapq import merge
from itertools import groupby
from operator import itemgetter

USAGE = """input_tokens input_cached_tokens input_cache_creation_tokens input_audio_tokens
input_cached_audio_tokens input_text_tokens input_cached_text_tokens input_image_tokens
input_cached_image_tokens output_tokens output_audio_tokens output_text_tokens output_image_tokens
output_reasoning_tokens session_duration characters_count audio_duration total_requests""".split()
MODALITIES = ("audio", "text", "image")
KIND = ("usage_type", "provider", "model")
NEAR = Fraction(1, 10**20)


def number(text):
    return int(text) if text.isdigit() else Fraction(text)


@cache
def normal(text):
    """One text for each number, as a key: the hash of a fraction takes long."""
    return str(Fraction(text))


def matches(pattern, model):
    literal = [re.escape(piece) for piece in pattern.split("*")]
    return re.fullmatch(".*".join(literal), model, re.DOTALL) is not None


def price_of(prices, dimension, model, at):
    """The price of a dimension: exact before pattern, longer before shorter, then byte by byte."""
    found = [
        price
        for price in prices
        if price["dimension"] == dimension
        and price["from"] <= at
        and (price["to"] is None or at < price["to"])
        and matches(price["model"], model)
    ]
    found.sort(key=lambda price: (price["model"] != model, -len(price["model"]), price["model"].encode()))
    return found[0] if found else None


def parts_of(sums):
    """What is counted once: (own dimension, the dimensions whose price it takes, quantity)."""
    some = lambda value: max(value, 0)
    parts = []
    cached = 0
    for name in MODALITIES:
        own = f"input_cached_{name}_tokens"
        quantity = some(sums[own])
        cached += quantity
        parts.append((own, [own, "input_cached_tokens", f"input_{name}_tokens", "input_tokens"], quantity))
    parts.append(("input_cached_tokens", ["input_cached_tokens", "input_tokens"],
                  some(sums["input_cached_tokens"] - cached)))
    parts.append(("input_cache_creation_tokens", ["input_cache_creation_tokens", "input_tokens"],
                  some(sums["input_cache_creation_tokens"])))
    for name in MODALITIES:
        own = f"input_{name}_tokens"
        parts.append((own, [own, "input_tokens"], some(sums[own] - some(sums[f"input_cached_{name}_tokens"]))))
    rest = sums["input_tokens"] - sum(quantity for _, _, quantity in parts)
    parts.append(("input_tokens", ["input_tokens"], some(rest)))
    output = []
    for name in (*MODALITIES, "reasoning"):
        own = f"output_{name}_tokens"
        output.append((own, [own, "output_tokens"], some(sums[own])))
    rest = sums["output_tokens"] - sum(quantity for _, _, quantity in output)
    output.append(("output_tokens", ["output_tokens"], some(rest)))
    for own in ("session_duration", "characters_count", "audio_duration", "total_requests"):
        output.append((own, [own], sums[own]))
    return parts + output


CHAINS = {own: chain for own, chain, _ in parts_of(defaultdict(int))}


def priced_by(prices, model, at):
    """For each part, the price that it takes, by its value."""
    by_dimension = {name: price_of(prices, name, model, at) for name in USAGE}
    chosen = []
    for own, chain in CHAINS.items():
        price = next((by_dimension[name] for name in chain if by_dimension[name]), None)
        chosen.append(price and (price["dimension"], normal(price["unit_price"]), normal(price["per"])))
    return tuple(chosen)


def add_up(events):
    return {name: sum([event[name] for event in events]) for name in USAGE}


class PriceList:
    def __init__(self, prices):
        self.currencies = sorted({price["currency"] for price in prices})
        self.changes = sorted({at for price in prices for at in (price["from"], price["to"]) if at is not None})
        self.of_kind = defaultdict(list)
        for price in prices:
            self.of_kind[(price["usage_type"], price["provider"], price["currency"])].append(price)
        self.seen = {}
        # Each distinct set of prices once: its number stands for it where it is a key.
        self.sets = []
        self.number_of = {}

    def at(self, kind, at):
        """For each currency, the number of the set of what each part takes; under None, of whether it takes any."""
        # Between two changes of prices, all events of a kind have the same.
        key = (kind, bisect_right(self.changes, at))
        if key not in self.seen:
            sets = {c: priced_by(self.of_kind[(*kind[:2], c)], kind[2], at) for c in self.currencies}
            sets[None] = tuple(any(sets[c][i] for c in self.currencies) for i in range(len(CHAINS)))
            self.seen[key] = [(currency, self.numbered(chosen, currency is not None)) for currency, chosen in sets.items()]
        return self.seen[key]

    def numbered(self, chosen, has_prices):
        if chosen not in self.number_of:
            self.number_of[chosen] = len(self.sets)
            rates = [taken and Fraction(taken[1]) / Fraction(taken[2]) for taken in chosen] if has_prices else None
            self.sets.append((chosen, rates))
        return self.number_of[chosen]


class Result:
    def __init__(self):
        for name in ("quantity", "cost", "unpriced", "daily_cost", "daily_usage"):
            setattr(self, name, defaultdict(int))


def calculate(events, prices, result):
    """Adds the events of one session, or of some sessions as a whole."""
    groups = defaultdict(list)
    for event in events:
        kind = tuple(event[name] for name in KIND)
        for currency, number_of_set in prices.at(kind, event["at"]):
            groups[(event["session_id"], event["account_id"], *kind, currency, number_of_set)].append(event)
        day = (event["account_id"], event["day"], *kind)
        for name in (*USAGE, "count"):
            if event[name]:
                result.daily_usage[(*day, name)] += event[name]

    for (session, account, *kind, currency, number_of_set), members in groups.items():
        chosen, rates = prices.sets[number_of_set]
        before = None
        for day in sorted({event["day"] for event in members}):
            parts = parts_of(add_up([event for event in members if event["day"] <= day]))
            for i, (own, _, quantity) in enumerate(parts):
                more = quantity - (before[i][2] if before else 0)
                if not more:
                    continue
                if currency is None:
                    if not chosen[i]:
                        result.unpriced[(session, *kind, own)] += more
                elif chosen[i]:
                    key = (session, account, *kind, *chosen[i], currency)
                    cost = more * rates[i]
                    result.quantity[key] += more
                    result.cost[key] += cost
                    result.daily_cost[(account, day, *kind, currency)] += cost
            before = parts


def compare(name, ours, theirs, differences):
    for key in ours.keys() | theirs.keys():
        mine, other = ours.get(key, 0), theirs.get(key, 0)
        if abs(mine - other) > NEAR:
            differences.append(f"{name} {key}: calculator {float(mine)!r}, view {float(other)!r}")


def rows_of(name):
    with open(os.path.join(sys.argv[1], f"{name}.jsonl"), encoding="utf8") as file:
        for line in file:
            yield json.loads(line)


def by_session(*names):
    """Each session with its rows of each of the relations."""
    named = lambda name: ((row["session_id"], name, row) for row in rows_of(name))
    for _, rows in groupby(merge(*map(named, names), key=itemgetter(0)), key=itemgetter(0)):
        session = {name: [] for name in names}
        for _, name, row in rows:
            session[name].append(row)
        yield session


def kind_of(row):
    return tuple(row[name] for name in KIND)


def main():
    prices = PriceList([
        {**price, "from": int(price["from"]), "to": None if price["to"] is None else int(price["to"])}
        for price in rows_of("prices")
    ])
    differences = []
    counts = defaultdict(int)
    daily = Result()
    totals = defaultdict(int)
    for session in by_session("events", "session_cost", "unpriced_usage"):
        for event in session["events"]:
            event.update({key: number(event[key]) for key in ("at", "count", *USAGE)})
        expected = Result()
        expected.daily_cost, expected.daily_usage = daily.daily_cost, daily.daily_usage
        calculate(session["events"], prices, expected)
        quantity, cost = {}, {}
        for row in session["session_cost"]:
            key = (row["session_id"], row["account_id"], *kind_of(row), row["dimension"],
                   normal(row["unit_price"]), normal(row["per"]), row["currency"])
            quantity[key], cost[key] = number(row["quantity"]), Fraction(row["cost"])
            totals[row["currency"]] += cost[key]
        compare("session_cost.quantity", expected.quantity, quantity, differences)
        compare("session_cost.cost", expected.cost, cost, differences)
        compare("unpriced_usage", expected.unpriced, {
            (row["session_id"], *kind_of(row), row["dimension"]): number(row["quantity"])
            for row in session["unpriced_usage"]
        }, differences)
        for name, rows in session.items():
            counts[name] += len(rows)
        counts["sessions"] += 1
    daily_cost = {
        (row["account_id"], row["day"], *kind_of(row), row["currency"]): Fraction(row["cost"])
        for row in rows_of("account_daily_cost")
    }
    compare("account_daily_cost", daily.daily_cost, daily_cost, differences)
    # To the last digit.
    for currency in prices.currencies:
        by_day = sum(cost for key, cost in daily_cost.items() if key[-1] == currency)
        if by_day != totals[currency]:
            differences.append(f"{currency}: the days cost {by_day}, the sessions {totals[currency]}")
    compare("account_daily_usage", daily.daily_usage, {
        (row["account_id"], row["day"], *kind_of(row), name): number(row[column])
        for row in rows_of("account_daily_usage")
        for name, column in (*((name, name) for name in USAGE), ("count", "event_count"))
    }, differences)
    for difference in sorted(differences)[:20]:
        print(difference)
    print(f"{counts['sessions']} sessions, {counts['events']} events, {counts['session_cost']} costs, "
          f"{counts['unpriced_usage']} without a price, {len(differences)} differences", file=sys.stderr)
    sys.exit(1 if differences else 0)


main()
