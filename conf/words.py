"""What the report calls the customers of a service and its titles, and what they do."""

from pydantic import Field

from conf.declaration import Declaration


class Words(Declaration):
    """What the report calls customers and titles, and what they do, in lower case.

    customer: one customer, such as `subscriber`.
    customers: several. Null: `customer` with an s.
    title: one title, such as `article`.
    titles: several. Null: `title` with an s.
    stay: what customers do who do not leave, after "expected to": `buy again`.
    stayed: the same of the past: `bought again`.
    leave: what the others do, after "expected to": `leave`.
    left: the same of the past: `left`.
    """

    customer: str = Field(default="customer", min_length=1)
    customers: str | None = None
    title: str = Field(default="title", min_length=1)
    titles: str | None = None
    stay: str = Field(default="come back", min_length=1)
    stayed: str = Field(default="came back", min_length=1)
    leave: str = Field(default="leave", min_length=1)
    left: str = Field(default="left", min_length=1)

    @property
    def several_customers(self) -> str:
        """The plural of `customer`."""
        return self.customers or f"{self.customer}s"

    @property
    def several_titles(self) -> str:
        """The plural of `title`."""
        return self.titles or f"{self.title}s"


def in_words(name: str) -> str:
    """A name in words: `support_request` is `support request`."""
    return name.replace("_", " ").strip()


def plural(noun: str) -> str:
    """The plural of an English noun, which `words` of a service replaces where it is irregular."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    is_y = noun.endswith("y") and noun[-2:-1] not in tuple("aeiou")
    return f"{noun[:-1]}ies" if is_y else f"{noun}s"


def article(noun: str) -> str:
    """A noun with its indefinite article."""
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"


def sentence(text: str) -> str:
    """A text with a capital."""
    return text[:1].upper() + text[1:]
