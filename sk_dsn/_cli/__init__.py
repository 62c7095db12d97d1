"""The command line, `python -m sk_dsn`.

`main` runs the command that `parser` finds in the arguments: `train` (with `report`) or `predict`. Both read samples
(`datasets`; `csv_files`, `npz_files`) and their targets (`targets`), and read and write models (`models`, `output_files`).
`splitting` holds out the test part and `preprocessing` turns columns into numbers. `messages` speaks to the user.

A new command is a module with a function, an entry of `main.COMMANDS` and a parser. A new kind of data is a reader in
`datasets`.
"""
