"""A program with a text field and nothing else: `text_field.py FILE` keeps in the file what stands in the field."""

import sys
import tkinter
from pathlib import Path


def main() -> None:
    file = Path(sys.argv[1])
    window = tkinter.Tk()
    window.geometry("640x200+0+0")
    field = tkinter.Text(window)
    field.pack()
    field.focus_force()

    def keep(_: object = None) -> None:
        field.edit_modified(False)
        temporary = file.with_suffix(".new")
        temporary.write_text(field.get("1.0", "end-1c"), encoding="utf-8")
        temporary.rename(file)

    def focused(_: object) -> None:
        field.bind("<<Modified>>", keep)
        keep()

    field.bind("<FocusIn>", focused)
    window.mainloop()


if __name__ == "__main__":
    main()
