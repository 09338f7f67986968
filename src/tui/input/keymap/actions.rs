//! The table of actions: names, keys and help texts. A new action needs only a row here; the dispatch, the help, the
//! palette, the hints, `config.toml` and the table in `assets/docs/keys.md` follow from it.

use Context::{
    Card, Clients, Completion, Figures, Help, History, Input, Inspector, Leaving, Lookup, Menu, Output, Prompt,
    Restarting, Review, Session, Transcript, Variables,
};

/// Where a key is bound. The topmost context comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    Input,
    /// The completions below the typed word.
    Completion,
    /// Everywhere, unless a nearer context has bound the key.
    Session,
    Transcript,
    /// A selected card: the input gets no keys.
    Card,
    /// The line for a search, a filter, or a card's number.
    Lookup,
    /// The whole output of a card.
    Output,
    /// A figure over the whole screen.
    Figures,
    /// The list of variables, once it has the focus.
    Variables,
    Inspector,
    /// Code of a client that waits for the person.
    Review,
    /// The clients, or the calls of one.
    Clients,
    /// Lists to choose from.
    Menu,
    /// A prompt of the dashboard itself.
    Prompt,
    /// The search through earlier inputs.
    History,
    Help,
    /// A restart that needs a second request.
    Restarting,
    /// Quitting, which needs a second request where something would be lost.
    Leaving,
}

impl Context {
    /// In the order in which the help shows them.
    pub const ALL: [Self; 18] = [
        Input, Completion, History, Session, Transcript, Card, Lookup, Output, Figures, Variables, Inspector, Review,
        Clients, Menu, Prompt, Help, Restarting, Leaving,
    ];

    /// Its section in `config.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Input => "input",
            Completion => "completion",
            Session => "session",
            Transcript => "transcript",
            Card => "card",
            Lookup => "lookup",
            Output => "output",
            Figures => "figures",
            Variables => "variables",
            Inspector => "inspector",
            Review => "review",
            Clients => "clients",
            Menu => "menu",
            Prompt => "prompt",
            History => "history",
            Help => "help",
            Restarting => "restarting",
            Leaving => "leaving",
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Input => "in the input",
            Completion => "in completions",
            Session => "everywhere",
            Transcript => "in the transcript",
            Card => "on a selected card",
            Lookup => "in search and filter",
            Output => "in the whole output",
            Figures => "in a figure",
            Variables => "in the list of variables",
            Inspector => "in a variable",
            Review => "at code that waits for you",
            Clients => "in the list of clients",
            Menu => "in a list of choices",
            Prompt => "in a prompt for a file name",
            History => "in the search of earlier inputs",
            Help => "in the help",
            Restarting => "before a restart",
            Leaving => "before quitting",
        }
    }

    /// Returns whether letters are text in this context.
    pub const fn is_typed_into(self) -> bool {
        matches!(self, Input | Completion | Session | Transcript | Lookup | Prompt | History)
    }
}

/// Keys of an action in one context.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub context: Context,
    /// Chords as in `config.toml`, separated by spaces, the first ones for display.
    pub keys: &'static str,
    /// Empty if the help of the row above covers this action too.
    pub help: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub struct ActionRow {
    pub action: Action,
    /// The action's name in `config.toml`, which never changes.
    pub name: &'static str,
    /// The action's title in the palette.
    pub title: &'static str,
    pub bindings: &'static [Binding],
}

/// `Variant "name" "Title": Context "keys" "help", …;` With an empty help, the row above shows the keys too.
macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident $name:literal $title:literal:
        $($context:ident $keys:literal $help:literal),+;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $action,)* }

        pub const ACTIONS: &[ActionRow] = &[$(ActionRow {
            action: Action::$action,
            name: $name,
            title: $title,
            bindings: &[$(Binding { context: $context, keys: $keys, help: $help }),+],
        },)*];
    };
}

actions! {
    /// Run the input if it is complete, else begin a new line.
    Enter "run" "Run the input": Input "enter" "run, or continue the block";
    NewLine "new-line" "Begin a new line": Input "alt-enter ctrl-j shift-enter ctrl-enter" "new line";
    /// Complete; at the start of a line, indent.
    Tab "tab" "Complete or indent": Input "tab" "complete, or indent at line start";
    Complete "complete" "Complete here": Input "ctrl-space" "complete here";
    HistoryBack "history-back" "Earlier input": Input "up ctrl-p" "on the first line: earlier input";
    HistoryForward "history-forward" "Later input": Input "down ctrl-n" "on the last line: later input";
    SearchHistory "search-history" "Search what was run, in all sessions": Input "ctrl-r" "search what was run, in all sessions";
    /// Search all earlier inputs, or only the person's own.
    SearchWhose "search-whose" "Search mine, or all": History "tab" "include what clients ran, or not";
    Undo "undo" "Undo": Input "ctrl-_ ctrl-7 ctrl-/" "undo, redo";
    Redo "redo" "Redo": Input "alt-_ alt-/" "";
    SelectAll "select-all" "Select all of the input": Input "alt-a" "select all; Shift and arrows a part";
    CopySelection "copy-selection" "Copy the selection": Input "alt-w" "copy the selection, cut it";
    CutSelection "cut-selection" "Cut the selection": Input "ctrl-x" "";
    /// Edit the input in `$EDITOR`.
    EditOutside "edit-outside" "Edit the input in $EDITOR": Input "alt-e" "edit the input in $EDITOR";

    /// Interrupt running code; with nothing running, clear the input.
    Interrupt "interrupt" "Interrupt the running code": Session "ctrl-c" "interrupt, or clear the input";
    /// Quit if the input is empty; else delete the character under the cursor.
    QuitOrDelete "quit" "Quit": Session "ctrl-d" "quit, if the input is empty";
    /// Save all variables and quit, after a first request to quit.
    QuitSaving "quit-saving" "Save the variables and quit": Leaving "s" "save the variables first";
    /// Show all actions by name.
    Palette "palette" "All actions": Session "f2 alt-x" "all actions, by name",
        Card ":" "all actions",
        Output ":" "all actions", Figures ":" "all actions", Inspector ":" "all actions", Variables ":" "all actions", Help ":" "all actions";
    Help "help" "Help": Session "f1" "help";
    Variables "variables" "Variables and clients": Session "f4" "variables; again: with all details";
    /// Choose snippets to run again.
    Replay "replay" "Replay earlier snippets": Session "f7" "replay earlier snippets",
        Menu "f7" "";
    /// Restart Python in the same session.
    Restart "restart" "Restart Python, losing the variables": Session "f8" "restart Python; variables are lost";
    RestartSaving "restart-saving" "Restart Python, keeping the variables": Restarting "s" "save the variables first";
    /// Write the session to a file.
    Export "export" "Write the session to a file": Session "f9" "write the session to a file", Prompt "f9" "";
    /// Turn to the code of a client that waits for the person.
    Review "review" "Decide about code that waits for you": Session "f10 alt-q" "decide about code that waits for you",
        Review "f10 alt-q" "";
    ReviewRun "review-run" "Run the code that waits": Review "y" "run it";
    /// Allow a risk for the rest of its snippet.
    ReviewSnippet "review-snippet" "Allow the risk in this snippet": Review "s" "at a risk: allow it in this snippet";
    /// Deny a risk for the rest of its snippet.
    ReviewDeny "review-deny" "Deny the risk in this snippet": Review "d" "at a risk: deny it in this snippet";
    ReviewEdit "review-edit" "Edit the code that waits, then run it": Review "e" "edit it, then run it";
    ReviewReject "review-reject" "Reject the code that waits": Review "n" "reject it, with a reason";
    ReviewAlwaysClient "review-always-client" "Run the code that waits, and always that client's":
        Review "a" "always run this client's code";
    ReviewAlwaysCode "review-always-code" "Run the code that waits, and always this code":
        Review "c" "always run exactly this code";
    ReviewNext "review-next" "Next code that waits": Review "tab" "next code that waits";
    /// Choose whose code waits for the person.
    Gate "gate" "Gate: whose code waits for you": Session "shift-f10 alt-m" "the gate: whose code waits for you",
        Review "g" "the gate", Clients "g shift-f10" "its mode at the gate", Menu "shift-f10" "";
    /// The clients: hold, mute or disconnect one, see its calls.
    Clients "clients" "Clients: hold, mute, disconnect, see calls": Session "shift-f4 alt-c" "clients: hold, mute, disconnect",
        Clients "shift-f4" "close", Variables "c" "the clients";
    HoldClient "hold-client" "Hold the code of the client": Clients "h" "hold its code, or no longer";
    MuteClient "mute-client" "Mute the client": Clients "m" "mute it, or no longer";
    DisconnectClient "disconnect-client" "Disconnect the client": Clients "d" "disconnect it, and stop its code";
    LetClientIn "let-client-in" "Let the client in again": Clients "i" "let it in again";
    /// Let no code of clients begin; the second time, stop what a client runs.
    TakeOver "take-over" "Take over: stop the code of clients": Session "f11 alt-t"
        "take over; again: stop what runs";
    GiveBack "give-back" "Give back: let the code of clients run on": Session "shift-f11 alt-y"
        "give back: what waited runs on";
    Suspend "suspend" "Suspend": Session "ctrl-z" "suspend; fg brings it back";
    /// Capture the mouse, or leave it to the terminal.
    Mouse "mouse" "Release the mouse, or take it back": Session "f12" "release the mouse, or take it back";
    Redraw "redraw" "Redraw the screen": Session "ctrl-l" "redraw the screen";

    PageUp "page-up" "Scroll up a page": Transcript "pageup" "scroll up, down",
        Completion "pageup" "a page up, down", History "pageup" "a page up, down", Output "pageup b" "a page up, down",
        Review "pageup b" "a page up, down", Clients "pageup b" "a page up, down", Inspector "pageup b" "a page up, down", Variables "pageup b" "a page up, down", Help "pageup b" "a page up, down";
    PageDown "page-down" "Scroll down a page": Transcript "pagedown" "",
        Completion "pagedown" "", History "pagedown" "", Output "pagedown space" "", Review "pagedown space" "", Clients "pagedown space" "", Inspector "pagedown space" "", Variables "pagedown space" "", Help "pagedown space" "";
    LineUp "line-up" "Scroll up a line": Transcript "ctrl-up" "scroll a line up, down",
        Output "up k ctrl-up" "a line up, down", Review "up k ctrl-up" "a line up, down", Inspector "up k ctrl-p" "a row up, down", Help "up k ctrl-p" "a row up, down";
    LineDown "line-down" "Scroll down a line": Transcript "ctrl-down" "",
        Output "down j ctrl-down" "", Review "down j ctrl-down" "", Inspector "down j ctrl-n" "", Help "down j ctrl-n" "";
    Top "top" "Go to the beginning": Transcript "ctrl-home" "to the beginning",
        Output "home g ctrl-home" "to the beginning", Figures "home g" "the first, the last",
        Variables "home" "the first, the last", Help "home g" "to the beginning, to the end";
    Bottom "bottom" "Go to the end, and follow": Transcript "ctrl-end" "to the end, and follow",
        Output "end G ctrl-end" "to the end, and follow", Figures "end G" "", Variables "end G" "", Help "end G" "";
    SelectUp "select-up" "Select the card above": Transcript "alt-up" "select the card above, below",
        Card "up k" "the card above, below";
    SelectDown "select-down" "Select the card below": Transcript "alt-down" "", Card "down j" "";
    Fold "fold" "Unfold or fold the card": Transcript "f5 alt-o" "unfold or fold the card",
        Card "space o" "unfold or fold the card; all cards";
    FoldAll "fold-all" "Unfold or fold all cards": Transcript "shift-f5" "unfold or fold all cards", Card "O" "";
    /// Open the value, the figures or the whole output of the card.
    Open "open" "Open the card: its value, figures or whole output": Card "enter" "open its value, figures or output";
    /// Show the figures or the whole output of the card.
    Output "output" "Show the figures or the whole output of the card": Transcript "f6" "figures, or the whole output",
        Figures "f6" "the whole output";
    /// Show the exact text that clients received for a snippet.
    Received "received" "Show what the client received": Transcript "shift-f6" "show what the client received",
        Card "m" "show what the client received";
    OtherView "other-view" "Next view of the output": Output "tab" "the output; what clients received";
    OtherViewBack "other-view-back" "Previous view of the output": Output "shift-tab" "";
    /// Wrap long lines, or cut them at the right edge.
    Wrap "wrap" "Wrap long lines, or not": Output "w" "wrap long lines, or not";
    CopyCode "copy-code" "Copy the code of the card": Card "c" "copy the code";
    CopyOutput "copy-output" "Copy the output of the card": Card "y" "copy the output";
    CopyValue "copy-value" "Copy the value of the card": Card "v" "copy the value";
    CopyTraceback "copy-traceback" "Copy the traceback of the card": Card "t" "copy the traceback";
    SaveOutput "save-output" "Save the output of the card to a file": Card "s" "save the output to a file";
    RunAgain "run-again" "Rerun the card as yours": Card "R" "rerun it as yours";
    /// Send the card, the variable or the selection to one client.
    Send "send" "Send to a client": Card ">" "send it to a client", Variables ">" "send it to a client",
        Input "alt-n" "send the selection to a client";
    SendTraceback "send-traceback" "Send the traceback of the card to a client": Card "T" "send its traceback to a client";
    /// Take a snippet out of the queue before it runs.
    Cancel "cancel" "Cancel a queued snippet": Card "x" "cancel it while it is queued",
        Transcript "" "cancel a queued snippet";
    /// Let a queued snippet run before all others.
    MoveToFront "move-to-front" "Run a queued snippet next": Card "F" "run it next, while it is queued",
        Transcript "" "run a queued snippet next";
    EditAgain "edit-again" "Edit the code of the card in the input": Card "e" "edit the code in the input";
    PreviousError "previous-error" "Go to the error above": Transcript "alt-j" "to the error above, below",
        Card "[" "to the error above, below";
    NextError "next-error" "Go to the error below": Transcript "alt-shift-j" "", Card "]" "";
    GoToRunning "go-to-running" "Go to the running snippet": Transcript "alt-r" "to the running snippet", Card "r" "to the running snippet";
    GoTo "go-to" "Go to a snippet by its number": Transcript "alt-g" "to a snippet by its number",
        Card "g" "to a snippet by its number";
    /// Go from a variable to the snippet that set it.
    GoToSetter "go-to-setter" "Go to the snippet that set the variable": Variables "g" "to the snippet that set it";
    Find "find" "Search the transcript": Transcript "f3" "search the transcript", Card "/" "search";
    Filter "filter" "Filter the transcript": Transcript "alt-s" "show only some cards", Card "f" "show only some cards";
    SearchOrFilter "search-or-filter" "Search or filter": Lookup "tab" "search instead of filter, and back";
    Back "back" "Close, deselect, follow": Transcript "esc" "close, deselect, follow",
        Completion "esc" "close", History "esc ctrl-g" "close, keeping the input", Output "esc q f6" "back to the transcript",
        Figures "esc q" "back to the transcript", Inspector "esc q" "close", Review "esc q" "decide later", Clients "esc q" "back, close",
        Menu "esc" "close", Prompt "esc" "close", Card "esc q" "back to the input", Lookup "esc" "cancel",
        Variables "esc q" "close", Help "esc q" "close";
    /// Give the keys back to the input.
    ToInput "to-input" "Back to the input": Variables "tab" "to the input; the list stays", Card "tab" "to the input";

    Search "search" "Search": Output "/ ctrl-f" "search", Help "/ ctrl-f" "search the help";
    SearchOn "search-next" "Next match": Output "n" "next match, previous match",
        Card "n" "next match, previous match", Lookup "down ctrl-n" "next match, previous match";
    SearchBack "search-previous" "Previous match": Output "N" "", Card "N" "", Lookup "up ctrl-p" "";

    /// Scroll tables and long lines sideways.
    ColumnsRight "columns-right" "Scroll to the right": Card "right l" "scroll frames and long lines",
        Output "right l" "scroll long lines", Inspector "right l" "scroll the columns";
    ColumnsLeft "columns-left" "Scroll to the left": Card "left h" "", Output "left h" "", Inspector "left h" "";

    NextFigure "next-figure" "Next figure": Figures "right l tab n space pagedown down j" "next figure, previous figure";
    PreviousFigure "previous-figure" "Previous figure": Figures "left h shift-tab p pageup up k N" "";
    SaveFigure "save-figure" "Save the figure as": Figures "s" "save as";
    /// Copy the path of a file with the figure.
    CopyPath "copy-path" "Copy the path of the figure": Figures "y" "copy its path";

    ItemUp "item-up" "Choose the one above": Completion "up ctrl-p shift-tab" "the one above, below",
        History "up ctrl-p ctrl-r" "an earlier one, a later one",
        Variables "up k ctrl-p" "the one above, below", Clients "up k ctrl-p" "the one above, below", Menu "up ctrl-p alt-up ctrl-up shift-tab" "the one above, below";
    ItemDown "item-down" "Choose the one below": Completion "down ctrl-n" "", History "down ctrl-n" "",
        Variables "down j ctrl-n" "", Clients "down j ctrl-n" "", Menu "down ctrl-n alt-down ctrl-down tab" "";
    /// Choose the selected item.
    Choose "choose" "Choose the selected one": Completion "enter" "accept the selected one",
        History "enter" "put it into the input",
        Variables "enter" "inspect the selected one", Clients "enter" "what it sent and got", Menu "enter" "choose the selected one", Prompt "enter" "write the file",
        Lookup "enter" "go to the card", Inspector "enter" "open the row";
    /// Accept the selected completion, or the prefix that all completions share.
    Accept "accept" "Accept the completion": Completion "tab" "accept, or the common prefix";
    NextFormat "next-format" "Next format": Prompt "tab" "next format";

    FilterVariables "filter-variables" "Filter the variables": Variables "/" "filter by name or type";
    /// Sort the list of variables in another order.
    SortVariables "sort-variables" "Sort the variables": Variables "s" "sort: kind, name, type, size, change";

    /// Have code of clients that would rebind the variable wait, or no longer.
    Lock "lock" "Lock the variable, or unlock it": Variables "L" "lock it, or unlock it";
    /// Put back what a snippet of a client has rebound or deleted.
    PutBack "put-back" "Put back what a client rebound or deleted": Variables "u" "put it back, if a client rebound it",
        Card "u" "put back what it rebound or deleted", Transcript "" "put back what a client rebound";

    /// Let Python go back to before the card, with all variables.
    Rewind "rewind" "Go back to before the card": Card "U" "back to before it",
        Transcript "" "back to before a card";

    /// Show clients no more of the variable or the card, or again.
    Private "private" "Mark it private, not shown to clients": Variables "p" "private: clients see only its name",
        Card "p" "private: not shown to clients";

    /// Go back to the value that led to this one.
    WalkBack "walk-back" "Back to the value before": Inspector "backspace" "back to the value before";
    NextAspect "next-aspect" "Next view of the value": Inspector "tab" "next view, previous view";
    PreviousAspect "previous-aspect" "Previous view of the value": Inspector "shift-tab" "";
    NextPage "next-page" "Next page of a text": Inspector "n" "next page of a text, the one before";
    PreviousPage "previous-page" "Previous page of a text": Inspector "p" "";
    FirstPage "first-page" "First row or page": Inspector "home" "first row, last row";
    LastPage "last-page" "Last row or page": Inspector "end G" "";
    GoToRow "go-to-row" "Go to a row by its number": Inspector "g" "go to a row by its number";
    FilterRows "filter-rows" "Filter the rows": Inspector "/" "filter, by price > 3 or a text";
    /// Sort the rows by the first column in sight.
    SortRows "sort-rows" "Sort by the first column in sight": Inspector "s" "sort by the first column in sight";
    /// Copy the Python expression that leads to the row, or to the value.
    CopyValuePath "copy-value-path" "Copy the path as Python": Inspector "y" "copy the path, as Python";
    LookAgain "look-again" "Refresh the value": Inspector "r" "refresh";
}
