"""How rows are printed: tabs with -H, columns otherwise; exact numbers with -p, rounded ones otherwise."""


def show(rows, titles, scripted):
    if scripted:
        for row in rows:
            print("\t".join(row))
        return
    lines = [[title.upper() for title in titles]] + rows
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def rounded(number):
    size = float(number)
    for unit in " KMGTP":
        if size < 1024 or unit == "P":
            return ("%.0f" % size if unit == " " else "%.3g" % size) + unit.strip() + ("B" if unit == " " else "")
        size /= 1024
