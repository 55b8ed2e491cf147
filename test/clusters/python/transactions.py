"""Transactions of a few hundred messages, each either committed or aborted."""

MESSAGES = 200


def in_transactions(items, send, begin, commit, abort):
    """Sends `items`, pairs of a message and whether it is in a transaction that is aborted."""
    start = 0
    while start < len(items):
        aborted = items[start][1]
        end = start
        while end < len(items) and end - start < MESSAGES and items[end][1] == aborted:
            end += 1
        begin()
        for message, _ in items[start:end]:
            send(message)
        abort() if aborted else commit()
        start = end
