"""Draw support tickets in English and German, and write tickets.csv and holdout.csv. The seed makes them the same.

German joins two nouns to one word, so a German text has many rare words where an English one repeats a few.
"""

import random

import pandas as pd

NOUNS = {
    "en": "till network server payment login printer shop export invoice phone stock mail backup camera".split(),
    "de": "Kassen Netz Server Zahlungs Anmelde Drucker Laden Export Rechnungs Telefon Lager Post Daten Kamera".split(),
}
URGENT = {
    "en": ["outage", "failure", "loss", "standstill", "breakdown"],
    "de": ["ausfall", "versagen", "verlust", "stillstand", "abbruch"],
}
CALM = {
    "en": ["question", "wish", "offer", "training", "praise"],
    "de": ["frage", "wunsch", "angebot", "schulung", "lob"],
}
FILLERS = {
    "en": ["since the update", "in our branch", "please answer", "as last week", "see the picture", "many thanks"],
    "de": ["seit dem Update", "in unserer Filiale", "bitte antworten", "wie letzte Woche", "siehe Bild", "vielen Dank"],
}


def phrase(draw: random.Random, language: str, events: dict[str, list[str]]) -> str:
    """Return an event that concerns something: `outage of the till`, `Kassenausfall`."""
    noun, event = draw.choice(NOUNS[language]), draw.choice(events[language])
    return f"{event} of the {noun}" if language == "en" else noun + event


def tickets(rows: int, seed: int) -> pd.DataFrame:
    """Return tickets; each names one or two things of its kind, and sometimes one of the other kind."""
    draw = random.Random(seed)
    table = []
    for number in range(rows):
        language = "de" if draw.random() < 0.3 else "en"
        urgent = draw.random() < 0.4
        own, other = (URGENT, CALM) if urgent else (CALM, URGENT)
        parts = [phrase(draw, language, own) for _ in range(draw.choice([1, 2]))]
        parts += [phrase(draw, language, other)] if draw.random() < 0.3 else []
        parts += draw.sample(FILLERS[language], 2)
        draw.shuffle(parts)
        channel = draw.choice(["mail", "chat", "form"])
        table.append([seed * 10_000 + number, language, channel, ", ".join(parts), int(urgent)])
    return pd.DataFrame(table, columns=["ticket", "language", "channel", "text", "urgent"])


if __name__ == "__main__":
    tickets(1000, seed=1).to_csv("tickets.csv", index=False)
    tickets(1000, seed=2).to_csv("holdout.csv", index=False)
