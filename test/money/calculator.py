"""Prices usage as CONTRACT.md says, in fractions, without Postgres and without a line of the program.

Reads lines of JSON, each the name of a relation (`events`, `prices`, or a view) and a row of it as text;
prints every difference, at most twenty, and exits 1 when there is one.
"""

import json
import re
import sys
from bisect import bisect_right
from collections import defaultdict
from fractions import Fraction

USAGE = """input_tokens input_cached_tokens input_cache_creation_tokens input_audio_tokens
input_cached_audio_tokens input_text_tokens input_cached_text_tokens input_image_tokens
input_cached_image_tokens output_tokens output_audio_tokens output_text_tokens output_image_tokens
output_reasoning_tokens session_duration characters_count audio_duration total_requests""".split()
MODALITIES = ("audio", "text", "image")
KIND = ("usage_type", "provider", "model")
NEAR = Fraction(1, 10**20)


def number(text):
    return int(text) if text.isdigit() else Fraction(text)


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
    some = lambda value: max(value, Fraction(0))
    parts = []
    cached = Fraction(0)
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


CHAINS = {own: chain for own, chain, _ in parts_of(defaultdict(Fraction))}


def priced_by(prices, model, at):
    """For each part, the price that it takes, by its value."""
    by_dimension = {name: price_of(prices, name, model, at) for name in USAGE}
    chosen = []
    for own, chain in CHAINS.items():
        price = next((by_dimension[name] for name in chain if by_dimension[name]), None)
        chosen.append(price and (price["dimension"], price["unit_price"], price["per"]))
    return tuple(chosen)


def add_up(events):
    sums = defaultdict(Fraction)
    for event in events:
        for name in USAGE:
            sums[name] += event[name]
    return sums


def calculate(events, prices):
    currencies = sorted({price["currency"] for price in prices})
    changes = sorted({at for price in prices for at in (price["from"], price["to"]) if at is not None})
    groups = defaultdict(list)
    seen = {}
    for event in events:
        kind = tuple(event[name] for name in KIND)
        # Between two changes of prices, all events of a kind have the same.
        key = (kind, bisect_right(changes, event["at"]))
        if key not in seen:
            own = [p for p in prices if (p["usage_type"], p["provider"]) == kind[:2]]
            sets = {c: priced_by([p for p in own if p["currency"] == c], kind[2], event["at"]) for c in currencies}
            sets[None] = tuple(any(sets[c][i] for c in currencies) for i in range(len(CHAINS)))
            seen[key] = sets
        for currency, chosen in seen[key].items():
            groups[(event["session_id"], event["account_id"], *kind, currency, chosen)].append(event)

    session_cost, unpriced, daily = defaultdict(Fraction), defaultdict(Fraction), defaultdict(Fraction)
    cost = defaultdict(Fraction)
    for (session, account, usage_type, provider, model, currency, chosen), members in groups.items():
        before = None
        for day in sorted({event["day"] for event in members}):
            parts = parts_of(add_up(event for event in members if event["day"] <= day))
            for i, (own, _, quantity) in enumerate(parts):
                more = quantity - (before[i][2] if before else 0)
                kind = (usage_type, provider, model)
                if currency is None:
                    if not chosen[i]:
                        unpriced[(session, *kind, own)] += more
                elif chosen[i]:
                    dimension, unit_price, per = chosen[i]
                    key = (session, account, *kind, dimension, unit_price, per, currency)
                    session_cost[key] += more
                    cost[key] += more * unit_price / per
                    daily[(account, day, *kind, currency)] += more * unit_price / per
            before = parts
    usage = defaultdict(Fraction)
    for event in events:
        for name in USAGE:
            usage[(event["account_id"], event["day"], *(event[n] for n in KIND), name)] += event[name]
        usage[(event["account_id"], event["day"], *(event[n] for n in KIND), "event_count")] += event["count"]
    return {"session_cost": session_cost, "cost": cost, "unpriced_usage": unpriced,
            "account_daily_cost": daily, "account_daily_usage": usage}


def compare(name, ours, theirs, differences):
    for key in ours.keys() | theirs.keys():
        mine, other = ours.get(key, Fraction(0)), theirs.get(key, Fraction(0))
        if abs(mine - other) > NEAR:
            differences.append(f"{name} {key}: calculator {float(mine)!r}, view {float(other)!r}")


def main():
    document = defaultdict(list)
    with open(sys.argv[1], encoding="utf8") as file:
        for line in file:
            name, row = json.loads(line)
            if name == "events":
                row.update({key: number(row[key]) for key in ("at", "count", *USAGE)})
            document[name].append(row)
    events = document["events"]
    prices = [
        {**price, "unit_price": Fraction(price["unit_price"]), "per": Fraction(price["per"]),
         "from": int(price["from"]), "to": None if price["to"] is None else int(price["to"])}
        for price in document["prices"]
    ]
    expected = calculate(events, prices)
    differences = []
    quantity, cost = {}, {}
    for row in document["session_cost"]:
        key = (row["session_id"], row["account_id"], *(row[n] for n in KIND), row["dimension"],
               Fraction(row["unit_price"]), Fraction(row["per"]), row["currency"])
        quantity[key], cost[key] = Fraction(row["quantity"]), Fraction(row["cost"])
    compare("session_cost.quantity", expected["session_cost"], quantity, differences)
    compare("session_cost.cost", expected["cost"], cost, differences)
    compare("unpriced_usage", expected["unpriced_usage"], {
        (row["session_id"], *(row[n] for n in KIND), row["dimension"]): Fraction(row["quantity"])
        for row in document["unpriced_usage"]
    }, differences)
    compare("account_daily_cost", expected["account_daily_cost"], {
        (row["account_id"], row["day"], *(row[n] for n in KIND), row["currency"]): Fraction(row["cost"])
        for row in document["account_daily_cost"]
    }, differences)
    compare("account_daily_usage", expected["account_daily_usage"], {
        (row["account_id"], row["day"], *(row[n] for n in KIND), name): Fraction(row[name])
        for row in document["account_daily_usage"]
        for name in (*USAGE, "event_count")
    }, differences)
    for difference in sorted(differences)[:20]:
        print(difference)
    print(f"{len(events)} events, {len(cost)} costs, {len(differences)} differences", file=sys.stderr)
    sys.exit(1 if differences else 0)


main()
