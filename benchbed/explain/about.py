"""What the kinds of things are, in a line each."""

#: Kind → what it is.
ABOUT = {
    "suites": "benchmarks that come with benchbed: data, conditions and metrics in a few lines of YAML",
    "adapters": "models that come with benchbed, or bridges to models of others; files to copy",
    "layouts": "data sets that can be read: official layouts, and folders with tables of your own",
    "corruptions": "what can be done to audio, at five severities in physical units; `{corruption: NAME}` in a suite",
    "attacks": "what can be done to fool a model, within a budget; `{attack: NAME}` in a suite",
    "ensembles": "attacks one after the other, of which the worst counts; `{attack: NAME}` in a suite",
    "metrics": "families of metrics; `metrics.family: NAME` in a suite",
    "figures": "the figures that families give, with unit, direction and rule; `metrics.primary: NAME`",
    "front ends": "what adapters give their networks in the place of a waveform; `NamedFrontEnd(NAME, options)`",
    "outputs": "kinds of answers that a model gives; `task: NAME` of a suite, `output` of a card",
    "gates": "rules of gates that come with benchbed; `gate --rules NAME`",
    "campaigns": "many models on many suites in one file; `campaign FILE`",
    "bridges": "transforms and attacks of other libraries, or why they are refused",
    "suite keys": "all that a suite may say",
    "gate rules": "all that a file of gate rules may say",
    "exit codes": "what the number says that a command ends with",
}
