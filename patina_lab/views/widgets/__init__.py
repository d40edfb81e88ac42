"""Live parts of a notebook: a form, a browser of events, a slider through time.

::

    draft          what somebody is writing   a frozen value: faults, event, file, diff, code
    observe_form   that value as a form       saves a note, proposes it, takes it back
    browse         which events are looked at a frozen value: SQL, pages, code
    event_browser  that value as a list       a page at a time
    tied           one event                  its causes, effects, neighbours, file in git
    moments        the moments of a log       dates, each the end of a day
    time_slider    a projection back then     drawn again for the moment chosen
    parts          what ipywidgets lacks      a slider with a name, one look, keys that stay
    stage          what all three share       is somebody there? a card where nobody is

What a widget shows is a value; ``.code`` is that value as Python to be pasted into a cell.
"""
