"""Golden texts. A host embeds them when it loads the model and refuses to serve when the vectors differ:
that catches a wrong tokenizer, a swapped file or a broken runtime before a request does."""

TEXTS = [
    "Translate to French: good morning",
    "Summarise the thread below in three bullet points.",
    "Write a polite e-mail asking for the invoice of last month",
    "What is the capital of Australia?",
    "Is this review positive or negative? 'The battery died after two days.'",
    "Design a multi-region database with strong consistency and explain the trade-offs.",
    "hi there, how are you?",
    "Don't cancel my order, I\u2019d like to change the delivery address",
    "SELECT name, count(*) FROM users GROUP BY name HAVING count(*) > 1;",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)",
    "git rebase -i HEAD~3",
    "Convert this CSV to JSON: id,name\n1,Ann\n2,Bo",
    "na\u00efve caf\u00e9 \u2014 d\u00e9j\u00e0 vu, \u00dcbergr\u00f6\u00dfe, \u0141\u00f3d\u017a",
    "\u4eca\u5929\u5929\u6c14\u600e\u4e48\u6837\uff1f",
    "\u041a\u0430\u043a \u0434\u0435\u043b\u0430?",
    "\U0001f600\U0001f44d\U0001f3fd \u2764\ufe0f party time!!!",
    "https://example.com/a?b=c&d=1#top",
    "1,234.56 EUR on 2024-02-29 at 23:59",
    "WHAT TIME IS IT IN TOKYO",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "----------\n# Heading\n==========\n* item",
    "[UNK] [CLS] <s> ##ing",
    "a",
    "prove that the square root of 2 is irrational, step by step. " * 40,
]
