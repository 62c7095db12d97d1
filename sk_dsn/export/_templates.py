"""Templates of C: files of `templates/`, whose directives and placeholders are filled in.

A line `//@ if name`, `//@ if not name`, `//@ else` or `//@ end` keeps or drops the lines between;
`/*@name*/` is replaced by a value; `sk_dsn_net` and `SK_DSN_NET` by the network's name.
"""
import re
from importlib.resources import files


def filled_template(file_name, name, conditions, values):
    """The text of a template for a network of this name.

    `conditions` are the names that hold, `values` the placeholders' texts.
    """
    text = files(__package__).joinpath("templates", file_name).read_text(encoding="utf-8")
    kept = "".join(f"{line}\n" for line in _kept_lines(text.splitlines(), conditions))
    kept = re.sub(r"/\*@(\w+)\*/", lambda match: str(values[match[1]]), kept)
    return kept.replace("sk_dsn_net", name).replace("SK_DSN_NET", name.upper())


def _kept_lines(lines, conditions):
    holding = []
    for line in lines:
        words = line.split()
        if not words or words[0] != "//@":
            if all(holding):
                yield line
        elif words[1] == "if":
            holding.append((words[-1] in conditions) == (words[2] != "not"))
        elif words[1] == "else":
            holding[-1] = not holding[-1]
        else:
            holding.pop()


def array_text(kind, name, values, per_line=110):
    """An array of constants that lies in flash."""
    lines, line = [], ""
    for number in values:
        if len(line) + len(number) + 2 > per_line:
            lines.append(line)
            line = ""
        line += f"{number}, "
    return f"static const {kind} {name}[{len(values)}] SK_DSN_NET_FLASH = {{\n    " + "\n    ".join(
        [*lines, line.rstrip(", ")]
    ) + "\n};"
