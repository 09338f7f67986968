

def _expand(text, names):
    """`{expression}` and `$name` by their values; the text as it is where that does not work out."""
    import re
    import string

    def dollar(match):
        if match[1].startswith("$"):
            return match[1]
        try:
            return str(eval(match[1], names))
        except Exception:
            return match[0]

    out = []
    try:
        formatter = string.Formatter()
        for plain, field, form, conversion in formatter.parse(text):
            out.append(re.sub(r"\$(\$[\w.]*|[^\W\d]\w*(?:\.[^\W\d]\w*)*)", dollar, plain))
            if field is not None:
                out.append(format(formatter.convert_field(eval(field.strip(), names), conversion), form))
    except Exception:
        return text
    return "".join(out)
