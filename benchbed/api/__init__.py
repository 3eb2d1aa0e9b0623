"""The door for Python: what the command line does, as functions over live objects, with tables and charts as answers.

`import benchbed as bb` reaches every name here lazily, so that the import itself stays light. The command line and the
pytest fixture parse, call these and print.
"""

#: Public name → the module of this room that has it.
NAMES = {
    "run": "measuring",
    "score": "measuring",
    "plan": "measuring",
    "check": "measuring",
    "merge": "parts",
    "campaign": "campaigning",
    "load": "runs",
    "Run": "run",
    "Runs": "runs",
    "compare": "deciding",
    "gate": "deciding",
    "history": "history",
    "leaderboard": "boards",
    "evaluate": "evaluating",
    "corrupt": "corrupting",
}
