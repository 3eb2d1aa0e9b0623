"""What a run knows and a user may not: answers, model and data are looked at for the faults that no exception shows.

Each finding is a check of the record, with one line at the terminal and on the page. A run has what `benchbed check`
lacks: the labels. False alarms would teach users to look away, so a doubt is raised only far beyond chance.
"""
