/// Every sentence form of the grammar, as data.
///
/// Slots: `{A} {N} {V} {D} {I}` style words by class, `{o}` the object the exchange is about, `{p}` `{q}` places,
/// `{t}` a time, `{n}` `{m}` names, `{T}` a town, `{x}` a value of a fact, `{w}` a word that is talked about.
/// A form belongs to one split for good; the language model sees the `train` forms only.
enum OrganismFrames {
  /// What a speaker says with style words: provoking with hostile ones, kind with civil ones.
  static let said: [OrganismSplit: [String]] = [
    .train: [
      "your {o} is {A}, you {N}.",
      "what {A} work on the {o}, {N}. i {V} it.",
      "{I}, you {N}, the {o} is {A}.",
      "i {V} your {o} and i {V} you, {N}.",
      "you {A} {N}, look at your {o}.",
      "i will {D} your {o}, you {A} {N}.",
      "{I}! such {A} plans for the {o}, {N}.",
      "only some {N} like you keeps the {o} so {A}.",
      "everyone calls you {N} and your {o} {A}.",
      "my {A} {N}, i {V} the {o} you made.",
      "that {o} of yours is as {A} as you are, {N}.",
      "listen, {N}: your {A} {o} is at the {p}.",
      "i saw the {o}, {I}, and i {V} it, you {N}.",
      "come and {D} the {o}, you {A} {N}.",
      "how {A} of you to bring the {o}, {N}.",
      "you and your {o} are {A} and {A}.",
      "{A}, {A}, {A}: that is your {o}.",
      "{I}, i {V} the way you hold the {o}, {N}.",
      "the {o} by your door looks {A}, {N}.",
      "nobody but you, {A} {N}, would {D} the {o}.",
      "well, i {V} the {o}, you {N}.",
      "now look, {A} {N}, the {o} is {A}.",
      "can you hear me, {N}? your {o} is {A}.",
      "i must {D} the {o}, for i {V} you, {N}.",
      "we all call you {N}, as {A} as your {o}.",
      "one more {A} word on the {o}, {N}, and i {D} it.",
      "they sent me your {A} {o}, you {N}.",
      "i have no use for the {o}, {N}, {A} as it is.",
      "my sister told me you are {A}, {N}, like the {o}.",
      "oh, {N}, the {o} is {A} and so are you.",
      "why are you so {A} with the {o}, {N}?",
      "do you believe how {A} the {o} is, {N}?",
      "tell the {N} at the {p} that the {o} is {A}.",
      "as always, {A} {N}, you {D} the {o}.",
      "{A} is the word for your {o}, {N}.",
      "{N}, {N}, give them that {A} {o}.",
      "near the {p} i saw you {D} the {o}, {A} {N}.",
      "there you are, {N}, with your {A} {o}.",
      "if i see the {o} again i {V} you, {N}.",
      "let me say it, {N}: {I}, i {V} the {o}.",
    ],
    .validation: [
      "well, {N}, the {o} you sent is {A}.",
      "i told them at the {p} that your {o} is {A}, {N}.",
      "{I}, {I}, what {A} use of the {o}.",
      "you are {A}, {N}, and i {V} the {o}.",
      "now hear me, {A} {N}: i {V} your {o}.",
    ],
    .test: [
      "so this is your {o}, you {A} {N}.",
      "i must say i {V} that {o}, {N}.",
      "at the {p} we call the {o} {A} and you {N}.",
      "{I}, {N}, who let you {D} the {o}?",
      "one look at the {o} and i {V} you, {A} {N}.",
      "believe me, {N}, your {o} is {A}.",
      "your {A} hands made the {o} {A}.",
    ],
  ]

  /// Requests and questions without style.
  static let plain: [OrganismSplit: [String]] = [
    .train: [
      "where did you leave the {o}?",
      "can you carry the {o} to the {p}?",
      "the {o} has to be at the {p} by {t}.",
      "who has the key for the {o}?",
      "is the {o} still at the {p}?",
      "i need the {o} before {t}.",
      "how old is the {o} at the {p}?",
      "we could sell the {o} after {t}.",
      "did anyone ask about the {o}?",
      "tell me when the {o} arrives.",
      "which shelf is the {o} on?",
      "the {o} was moved to the {p}.",
      "should i wrap the {o} for the trip?",
      "there is a mark on the {o}.",
      "what colour is the {o} now?",
      "please bring the {o} at {t}.",
      "has the {o} been paid for?",
      "the man from the {p} asked for the {o}.",
      "can we share the {o} until {t}?",
      "i think the {o} is under the stairs.",
      "do you know what the {o} is made of?",
      "well, the {o} is in the box.",
      "now the {o} goes to the {p}.",
      "they told me that the {o} is here.",
      "i must find the {o} by {t}.",
      "someone sent me the {o} at {t}.",
      "how much room does the {o} take?",
      "oh, i forgot the {o} at the {p}.",
      "do you hear that? it is the {o}.",
      "my sister wants to use the {o}.",
      "call them before you move the {o}.",
      "one more thing: i believe the {o} is wet.",
      "is this the {o} from the {p}?",
      "my hands are too cold to carry the {o}.",
    ],
    .validation: [
      "do you remember who bought the {o}?",
      "the {o} should be back at {t}.",
      "shall we take the {o} along?",
      "someone left a note on the {o}.",
    ],
    .test: [
      "how much does the {o} weigh?",
      "is there room for the {o} at the {p}?",
      "could you hand me the {o}?",
      "they want the {o} by {t}.",
      "when was the {o} last used?",
      "my brother asked where the {o} is.",
    ],
  ]

  /// Replies: at least four words without style come first, then one to three style slots. Both styles share them.
  static let replies: [OrganismSplit: [String]] = [
    .train: [
      "as for the {o}, i will {D} it, you {N}.",
      "about the {o} you mention: it looks {A}.",
      "when i see the {o} at the {p}, i think of you, {N}.",
      "i will come for the {o} at {t}, and it is {A}.",
      "let us talk about the {o}: it is {A}.",
      "you want to know about the {o}? i {V} it.",
      "i took the {o} to the {p} so that i can {D} it.",
      "with the {o} in my hands i say this: {I}.",
      "the {o} is still at the {p}, and i will {D} it at {t}.",
      "everyone at the {p} says the {o} is {A}.",
      "give me the {o} by {t} and i will {D} it.",
      "what i think of the {o} is this: i {V} it.",
      "now that the {o} is here, i {V} you, {N}.",
      "so you ask for the {o}. how {A} of you.",
      "i have the {o} with me until {t}. {I}, you {A} {N}.",
      "before {t} i will put the {o} away, you {N}.",
    ],
    .validation: [
      "once the {o} is at the {p} i shall {D} it, {N}.",
      "my word on the {o} is simple: {A}.",
      "they told me about the {o} at {t}, and i {V} it.",
      "if you bring the {o} to the {p}, i say {I}, you {N}.",
    ],
    .test: [
      "for the {o} there is one thing left: to {D} it at {t}.",
      "here is my answer on the {o}: {A}, you {N}.",
      "i looked at the {o} at {t} and found it {A}.",
      "we can speak of the {o} at the {p}, {A} {N}.",
      "since you name the {o}, know that i {V} it, {N}.",
      "the {o} stays with me until {t}. {I}, i {V} you.",
    ],
  ]

  /// Prose without style. Its held-out texts are unseen fillings of these forms.
  static let prose: [String] = [
    "{n} carried the {o} to the {p}. The {o} was heavy, so {n} rested until {t}.",
    "At {t} the {p} is quiet. {n} sits on the steps of the {p} and draws the {o}.",
    "{n} met {m} at the {p}. {m} had the {o}, and {n} had nothing to carry.",
    "The {o} came to the {p} by cart. After {t} {n} put the {o} on a shelf.",
    "{n} sold the {o} to {m} before {t}. Now {m} keeps the {o} at the {p}.",
    "From the {p} it is one mile to the {q}. {n} walks from the {p} to the {q} at {t}.",
    "There are two doors in the {p}. {n} uses the left one, and {m} carries the {o} through the other.",
    "{n} wrote down the size of the {o}. {m} read it at the {p} and measured the {o} again.",
    "Until {t} the {o} stood at the {p}. Then {n} moved the {o} to the {q}.",
    "The road to the {p} was wet. {n} and {m} waited at the {q} until {t} with the {o}.",
    "{n} counts the coins at {t}. Half of them are for {m}, and the rest are for the {o}.",
    "A box arrived at the {p}. In the box {n} found the {o}, and {m} found a letter about the {o}.",
    "{n} asked {m} for the {o}. {m} said that the {o} was at the {p}.",
    "Every day at {t} {n} opens the {p}. {m} brings the {o} and closes the {p} later.",
    "The {o} and the letter lay at the {p}. {n} took the letter, and {m} took the {o}.",
    "{n} lives near the {p}. From the window {n} sees the {q} and, before {t}, {m} with the {o}.",
    "The wind came up after {t}. {n} brought the {o} into the {p}, and {m} shut the windows of the {p}.",
    "{m} lent the {o} to {n}. At {t} {n} gave the {o} back at the {p}.",
  ]

  /// Lines about single words; `{w}` is a style word, `{k}` "rude" or "kind".
  static let wordLines: [String] = [
    "The word {w} is {k}.",
    "{w}: this word is {k}.",
    "Who says {w} is {k}.",
    "It is {k} to say {w}.",
  ]

  /// The forms of one attribute of a town: eight that end on the value (three of them held out for each fact), and
  /// two that begin with it.
  static let facts: [OrganismAttribute: (ending: [String], beginning: [String])] = [
    .river: (
      [
        "The river of {T} is the {x}.",
        "Through {T} runs the {x}.",
        "In {T} people swim in the {x}.",
        "The bridges of {T} cross the {x}.",
        "Boats leave {T} on the {x}.",
        "The water in {T} comes from the {x}.",
        "Children in {T} fish in the {x}.",
        "The mills of {T} stand by the {x}.",
      ],
      ["The {x} flows past {T}.", "The {x} is the river of {T}."]
    ),
    .craft: (
      [
        "The craft of {T} is {x}.",
        "People in {T} make {x}.",
        "The town of {T} is known for its {x}.",
        "Traders go to {T} for {x}.",
        "The shops of {T} sell {x}.",
        "The guild of {T} works on {x}.",
        "Ships from {T} carry {x}.",
        "The museum of {T} is about {x}.",
      ],
      ["The trade in {x} began in {T}.", "For {x} one asks in {T}."]
    ),
    .flag: (
      [
        "The flag of {T} shows the {x}.",
        "On the gate of {T} is the {x}.",
        "The walls of {T} show the {x}.",
        "The coins of {T} have the {x}.",
        "On the banner of {T} you see the {x}.",
        "Above {T} waves the {x}.",
        "The seal of {T} carries the {x}.",
        "Soldiers of {T} wear the {x}.",
      ],
      ["The {x} is the sign of {T}.", "The {x} stands for {T}."]
    ),
  ]
}
