"""Own groups made by a grammar: a request is an act on a thing, said in many ways.

Written groups are varied but few; these are many and plainer. Their use is contrast: the same thing under another act,
and the same act on another thing, are other groups, so neither words alone can tell them apart. Every template and
every word list is the project's own text. Seeded: the same groups each time.

    acts on things     cancel | a gym membership      "please put an end to my gym contract"
    tasks on material  summarise | a meeting transcript
    plain scenes       a woman | slices | an onion    "an onion is being cut up by a lady"
"""
import random
import re

PHRASINGS = 12

# Act: kinds of thing it applies to, then its templates. {x} the thing, {X} without its article.
ACTS = """
cancel: contract booking order event
i want to cancel {my x} | please cancel {my x} | how do i get out of {my x} | put an end to {my x} | can you call off {my x} for me | i no longer need {my x}, get rid of it | what do i have to do to stop {my x} | terminate {my x} right away | i'd like {my x} cancelled before friday | {my x} isn't needed any more, please withdraw it | is it possible to back out of {my x} | scrap {my x} | cancelling {x}: steps? | i changed my mind about {my x} and want out
change: contract booking order event record setting
i need to change {my x} | can i modify {my x} | update {my x} please | something about {my x} has to be different, can you edit it | how can {x} be altered after the fact | please amend {my x} | make a change to {my x} | i made a mistake in {my x} and want to correct it | where do i edit {my x} | switch {my x} to something else | adjust {my x} for me | {my x} is wrong, fix it
create: contract booking order event record list setting
i'd like to set up {a x} | create {a x} for me | how do i get {a x} | start {a x} | help me make {a x} | i want a new {X} | open {a x} please | what's needed to sign up for {a x} | can you arrange {a x} | set me up with {a x} | put together {a x} | i need {a x}, where do i begin
status: contract booking order record claim
what's the status of {my x} | is {my x} confirmed yet | any news on {my x} | check on {my x} | has {my x} gone through | where does {my x} stand | i'm still waiting to hear about {my x} | did you receive {my x} | look up {my x} and tell me how far it is | is there progress on {my x} | can i see what is happening with {my x} | has anything moved on {my x}
cost: contract booking order thing service
how much is {a x} | what does {a x} cost | price of {a x}? | what would i pay for {a x} | is {a x} expensive | tell me the going rate for {a x} | what do you charge for {a x} | i'm on a budget, how much should i set aside for {a x} | give me a quote for {a x} | how many dollars for {a x} | cost of {a x} please | what's the fee for {a x}
late: order claim service
{my x} is late | why is {my x} taking so long | {my x} should have been here by now | i've been waiting ages for {my x} | still no {X}, what's the delay | when will {my x} finally arrive | {my x} hasn't shown up | it was due on monday and there's no sign of {my x} | how much longer for {my x} | {my x} is overdue | they promised {my x} last week and nothing came | is {my x} running behind
broken: device thing service
{my x} is broken | {my x} stopped working | there's something wrong with {my x} | {my x} won't work any more | help, {my x} is acting up | {my x} has a fault | how do i repair {a x} | why does {my x} keep failing | {my x} died on me | i can't get {my x} to work | troubleshoot {my x} | can {a x} be fixed
lost: thing document device
i lost {my x} | i can't find {my x} | {my x} is missing | where did i leave {my x} | help me find {my x} | i've misplaced {my x} | {my x} is gone, what now | somebody may have taken {my x} | have you seen {my x} | what should i do when {a x} goes missing | i need a replacement because {my x} disappeared | {my x} vanished
renew: contract document
i need to renew {my x} | how do i extend {my x} | {my x} is about to run out | renew {my x} for another year | can {my x} be prolonged | when do i have to renew {my x} | {my x} expires soon, what do i do | keep {my x} going for longer | get {my x} renewed | is it time for a new {X} | sign me up for another term of {my x} | prolong {my x}
expire: contract document booking
when does {my x} expire | how long is {my x} valid | what's the end date of {my x} | until when can i use {my x} | how many days are left on {my x} | does {my x} run out this year | tell me the expiry date of {my x} | is {my x} still good | for how long does {a x} last | the last day of {my x} is when | check whether {my x} is still valid | how much time remains on {my x}
find: thing service place
where can i find {a x} | find {a x} near me | is there {a x} around here | i'm looking for {a x} | show me {a x} close by | locate {a x} | which is the nearest {X} | do you know a place with {a x} | search for {a x} in this area | point me to {a x} | who has {a x} nearby | get me to {a x}
recommend: thing service place
can you recommend {a x} | what's a good {X} | suggest {a x} for me | which {X} is best | i need advice on choosing {a x} | what {X} would you go for | any tips for picking {a x} | i can't decide which {X} to take | help me choose {a x} | name a few good ones if i want {a x} | what should i look for in {a x} | best {X} for the money
compare: contract thing device service
compare two kinds of {X} for me | what's the difference between the cheap and the dear {X} | which is better, this {X} or that one | i'm torn between two {X}s | pros and cons of each {X} | how do these {X}s differ | put the {X} options side by side | is the pricier {X} worth it over the basic one | contrast the {X}s you offer | tell me which of the {X}s wins | {X} a against {X} b | help me weigh up these {X}s
complain: contract order service booking place
i want to complain about {my x} | {my x} was terrible | i'm very unhappy with {my x} | where do i file a complaint about {my x} | this is unacceptable, {my x} was a mess | i'd like to speak to someone about how bad {my x} was | {my x} did not meet my expectations | never again, {my x} was awful | who is responsible for {my x}, i have a grievance | i wish to report poor quality regarding {my x} | i'm disappointed by {my x} | register my dissatisfaction with {my x}
refund: order contract booking service
i want my money back for {my x} | can i get a refund on {my x} | refund {my x} please | how do i return {my x} and be reimbursed | you charged me for {my x}, pay it back | am i entitled to a refund for {my x} | when will the money for {my x} be back in my account | reimburse me for {my x} | request compensation for {my x} | the refund for {my x} has not come | give back what i paid for {my x} | money back on {my x}?
requirements: contract document claim booking
what do i need for {a x} | which papers are required for {a x} | am i eligible for {a x} | what are the conditions of {a x} | who can get {a x} | do i qualify for {a x} | requirements for {a x}? | what must i bring to get {a x} | is there an age limit for {a x} | tell me the rules for {a x} | what proof do you want for {a x} | can someone like me apply for {a x}
howuse: device thing service setting
how do i use {a x} | explain how {a x} works | i've never used {a x}, show me | what are the steps for using {a x} | how does one operate {a x} | teach me to work with {a x} | instructions for {a x} please | i don't understand how to handle {a x} | walk me through {a x} | a beginner's guide to {a x} | what do i press on {a x} | getting started with {a x}
clean: thing device place
how do i clean {a x} | what removes dirt from {a x} | {my x} is filthy | best way to wash {a x} | get stains off {my x} | {my x} smells, how do i freshen it | how often should {a x} be cleaned | can i put soap on {a x} | make {my x} spotless | tips for scrubbing {a x} | what cleaner is safe for {a x} | restore {my x} to how it looked when new
download: document record list
where can i download {my x} | i need a copy of {my x} | send me {my x} as a pdf | export {my x} | how do i get {my x} on paper | print {my x} | let me save {my x} | email me {my x} | get hold of {my x} as a file | is {my x} available for download | please give me an electronic version of {my x} | i want {my x} in my inbox
show: record list event booking document
show me {my x} | what's on {my x} | open {my x} | let me see {my x} | read {my x} to me | bring up {my x} | display {my x} | what does {my x} say | pull up {my x} on the screen | i'd like to look at {my x} | view {my x} | go through {my x} with me
addto: list record event
add this to {my x} | put one more entry on {my x} | include something new in {my x} | {my x} is missing an item, add it | write that down on {my x} | append it to {my x} | can you stick this on {my x} | insert an item into {my x} | make a note in {my x} | extend {my x} with another line | get this onto {my x} | also put milk and that other thing on {my x}
removefrom: list record
take that off {my x} | remove an item from {my x} | delete the last entry of {my x} | cross it off {my x} | drop one thing from {my x} | strike that from {my x} | erase the old stuff in {my x} | i don't want that on {my x} any more | clear {my x} | get it off {my x} | {my x} has something that should go | leave it out of {my x} from now on
share: document list record event
share {my x} with a friend | send {my x} to my colleague | let someone else see {my x} | give my sister access to {my x} | how do i let others view {my x} | forward {my x} | can two people work on {my x} | invite somebody to {my x} | pass {my x} on to the team | make {my x} visible to others | publish {my x} | who else can look at {my x}
turnon: device setting
turn on {the x} | switch {the x} on | enable {the x} | activate {the x} please | start {the x} | get {the x} going | i want {the x} on | power up {the x} | have {the x} running in ten minutes | could you put {the x} on | make sure {the x} is on | {the x} on
turnoff: device setting
turn off {the x} | switch {the x} off | disable {the x} | deactivate {the x} please | shut {the x} down | kill {the x} | i don't want {the x} on | power down {the x} | {the x} can stop now | could you put {the x} off | make sure {the x} is off | {the x} off
raise: device setting
turn {the x} up | make {the x} stronger | increase {the x} | raise {the x} a little | {the x} is too low | crank up {the x} | more {X} please | bump {the x} a notch | set {the x} higher | {the x} needs to go up by ten percent | i can hardly notice {the x}, push it up | put {the x} at maximum
lower: device setting
turn {the x} down | make {the x} weaker | decrease {the x} | lower {the x} a bit | {the x} is too high | tone down {the x} | less {X} please | drop {the x} a notch | set {the x} lower | {the x} needs to come down by ten percent | {the x} is too much for me, ease it | put {the x} at minimum
history: order record service contract
when did i last have {a x} | show past activity for {my x} | how many times this year was {a x} involved | list everything that happened with {my x} | what did i spend on {my x} so far | give me the history of {my x} | i want to look back over {my x} | who touched {my x} before | earlier entries for {my x} | what was {my x} like last month | total for {my x} since january | old records of {my x}
pay: order contract claim service
how can i pay for {my x} | i'd like to settle {my x} | pay {my x} now | can i pay {my x} in instalments | which cards do you take for {my x} | the payment for {my x} was declined | put {my x} on my credit card | when is {my x} due | is {my x} already paid | transfer the amount for {my x} | split the payment of {my x} | what methods are there to pay {my x}
remind: contract event document booking
remind me about {my x} | don't let me forget {my x} | set a reminder for {my x} | ping me the day before {my x} | i tend to forget {my x}, nudge me | alert me when {my x} comes up | give me a heads-up ahead of {my x} | notify me in time for {my x} | make sure i remember {my x} | a reminder for {x} at nine please | tell me again about {my x} tomorrow morning | poke me about {my x}
postpone: event booking order
move {my x} to another day | postpone {my x} | can {my x} be later | reschedule {my x} | push {my x} back a week | i can't make it, find a new time for {my x} | delay {my x} until next month | is another date possible for {my x} | bring {my x} forward | shift {my x} by an hour | put {my x} off | the date of {my x} doesn't suit me any more
buy: thing device
i want to buy {a x} | where can i purchase {a x} | order {a x} for me | put {a x} in my basket | do you sell {X}s | get me {a x} | is {a x} in stock | i'm shopping for {a x} | can i have {a x} delivered | add {a x} to my cart | who sells {a x} | reserve {a x} for me to pick up
sell: thing device
i want to sell {my x} | where can i get rid of {my x} for cash | what's {my x} worth | find a buyer for {my x} | can i trade in {my x} | list {my x} for sale | how do i price {my x} second hand | who takes old {X}s | help me write an ad for {my x} | get a fair price for {my x} | would anyone pay for {a x} that is five years old | put {my x} on the marketplace
meaning: contract document claim record
what does {a x} mean | explain {a x} to me | i don't understand what {a x} is | define {x} | what is {a x} for | in simple words, {x}? | what exactly counts as {a x} | why would i want {a x} | is {a x} the same as the other thing | tell me about {x} | i keep hearing of {x}, what's that | give me the idea behind {x}
safe: thing device service place
is {a x} safe | could {a x} be dangerous | should i worry about {my x} | what are the risks of {a x} | can {a x} hurt my child | how do i stay safe with {a x} | has anyone been harmed by {a x} | is it ok to leave {a x} alone | precautions for {a x} | how risky is {a x} really | i'm afraid of {a x} | warn me of the dangers of {a x}
"""

# Kind of thing: thing | another word for it | …
THINGS = """
contract: gym membership|fitness contract ; phone plan|mobile contract|cell plan ; magazine subscription ; streaming subscription|streaming plan ; car insurance|auto policy ; home insurance|house policy ; health cover|medical insurance ; electricity contract|power tariff ; internet contract|broadband plan ; lease|rental agreement ; loan|credit ; mortgage|home loan ; savings plan ; pension|retirement plan ; software licence|licence key ; job offer|employment offer ; maintenance agreement|service contract ; meal kit subscription ; storage unit ; domain name|web domain
booking: hotel room|hotel reservation ; flight|plane ticket ; train ticket|rail ticket ; rental car|hire car ; table for two|dinner reservation ; campsite|pitch ; concert ticket|gig ticket ; cinema seats|movie tickets ; cruise|boat trip ; conference room|meeting room ; haircut|hair appointment ; dentist appointment|dental visit ; doctor's appointment|gp visit ; driving lesson ; guided tour|city tour ; taxi|cab ; parking space|parking spot ; holiday apartment|vacation rental ; massage|spa treatment ; language course|language class
order: pizza|pizza order ; shoes|pair of shoes ; parcel|package ; grocery delivery|weekly shop ; sofa|couch ; laptop order|computer order ; flowers|bouquet ; birthday cake ; prescription|medicine ; spare part|replacement part ; book order|books ; winter coat|jacket ; catering|party food ; business cards ; furniture delivery ; contact lenses ; dog food|pet food ; coffee beans
event: team meeting|meeting ; birthday party ; job interview|interview ; phone call with the bank|call with the bank ; wedding ; parents' evening ; football practice|soccer training ; yoga class ; deadline|due date ; exam|test ; school trip|class outing ; webinar|online seminar ; barbecue ; piano lesson|music lesson ; anniversary dinner ; moving day ; standup|daily meeting ; vaccination|jab
record: profile|account page ; home address|postal address ; phone number|contact number ; email address ; bank details|account number ; date of birth ; medical record|health record ; time sheet|working hours ; mileage log ; expense report|expenses ; delivery address|shipping address ; surname|last name ; emergency contact ; diet diary|food log ; training log|workout log ; customer file|client record ; inventory|stock list ; grade|mark
list: shopping list|grocery list ; to-do list|task list ; playlist|music list ; wish list ; packing list ; guest list ; reading list ; watch list ; mailing list ; contact list|address book ; bucket list ; favourites|bookmarks ; budget|spending plan ; calendar|diary ; recipe collection ; chore list|cleaning rota
document: passport|travel document ; driving licence|driver's license ; visa|entry permit ; birth certificate ; work permit ; invoice|bill ; bank statement|account statement ; payslip|pay stub ; tax return|tax declaration ; contract|agreement ; diploma|degree certificate ; boarding pass ; library card ; id card|identity card ; parking permit ; warranty|guarantee ; receipt|proof of purchase ; medical certificate|sick note ; reference letter|letter of recommendation ; school report|report card
claim: insurance claim ; complaint|grievance ; application|form ; tax refund ; damage report|accident report ; visa application ; scholarship|grant ; child benefit|family allowance ; unemployment benefit|jobless aid ; warranty claim ; planning permission|building permit ; appeal|objection ; fine|penalty ; customs duty|import tax ; leave request|holiday request ; patent|trademark
thing: wallet|purse ; keys|bunch of keys ; suitcase|luggage ; bicycle|bike ; umbrella ; sofa|couch ; mattress|bed ; carpet|rug ; frying pan|skillet ; winter tyres|snow tires ; tent ; guitar ; ring|wedding ring ; glasses|spectacles ; backpack|rucksack ; hearing aid ; wool jumper|sweater ; running shoes|trainers ; stroller|pram ; lawn mower ; ladder ; fish tank|aquarium ; water bottle ; leather jacket ; white shirt ; garden hose ; skateboard ; child seat|car seat
device: washing machine|washer ; dishwasher ; fridge|refrigerator ; oven|cooker ; vacuum cleaner|hoover ; printer ; laptop|notebook computer ; phone|mobile ; television|tv ; router|wifi box ; headphones|earbuds ; camera ; heating|radiator ; air conditioner|aircon ; coffee machine|espresso maker ; smart speaker ; game console ; electric car|ev ; doorbell ; microwave ; tablet ; bedroom lamp|bedside light ; garage door ; sprinkler|irrigation ; fan ; humidifier ; alarm system|burglar alarm ; kettle
setting: volume|sound level ; brightness|screen brightness ; dark mode|night theme ; notifications|push alerts ; bluetooth ; wifi|wireless ; location tracking|location sharing ; subtitles|captions ; autopay|automatic payment ; two-factor login|two-step verification ; do not disturb|silent mode ; backup|automatic backup ; temperature|thermostat ; ringtone|ring sound ; font size|text size ; language|display language ; password|passcode ; roaming|data abroad ; parental controls|child lock ; cruise control
service: plumber ; electrician ; babysitter|nanny ; cleaner|cleaning lady ; tutor|private teacher ; lawyer|attorney ; dog walker ; hairdresser|barber ; car mechanic|garage ; moving company|movers ; translator|interpreter ; photographer ; gardener ; accountant|tax adviser ; physiotherapist|physio ; vet|animal doctor ; locksmith ; courier|delivery service ; personal trainer ; tailor ; web designer ; wedding planner
place: pharmacy|chemist ; petrol station|gas station ; supermarket|grocery store ; cash machine|atm ; swimming pool ; playground ; museum ; library ; coffee shop|café ; bakery ; vegan restaurant ; hospital|emergency room ; post office ; charging station|ev charger ; car park|parking garage ; beach ; gym|fitness studio ; bookshop ; nightclub ; campground ; dog park ; co-working space
"""

# What an LLM is asked to do with a text: task: templates. {m} the material ("this report"), {t} what it is about.
TASKS = """
summarise: summarise {m} | give me the short version of {m} | what are the main points of {m} | tl;dr of {m} | boil {m} down to three sentences | i have no time to read {m}, what does it say | condense {m} into bullet points | write an executive summary of {m} | the gist of {m} please | shorten {m} to the essentials | recap {m} for someone who missed it | sum up {m} in one paragraph
translate-german: translate {m} into german | put {m} into german | i need {m} in german | german version of {m} please | how would {m} read in german | render {m} in german, keep the tone | convert {m} from english to german | can you give me {m} auf deutsch | write {m} again in german | make a german translation of {m} | {m} -> german | turn {m} into good german
translate-spanish: translate {m} into spanish | put {m} into spanish | i need {m} in spanish | spanish version of {m} please | how would {m} read in spanish | render {m} in spanish, keep the tone | convert {m} from english to spanish | can you give me {m} en español | write {m} again in spanish | make a spanish translation of {m} | {m} -> spanish | turn {m} into good spanish
proofread: proofread {m} | correct the grammar in {m} | fix spelling and punctuation in {m} | are there mistakes in {m} | clean up the typos in {m} | check {m} for errors | edit {m} for correctness, change nothing else | mark what is wrong with the language of {m} | my english is poor, please correct {m} | copy-edit {m} | look over {m} for slips | polish the grammar of {m}
formal: make {m} more formal | rewrite {m} in a professional tone | {m} sounds too casual, fix the tone | turn {m} into business language | make {m} suitable for my boss | give {m} a more serious register | can you make {m} sound polite and official | rephrase {m} for a formal audience | upgrade the style of {m} to something corporate | {m} should read like a letter from a lawyer | remove the slang from {m} | adapt {m} for a board of directors
simplify: explain {m} in simple words | rewrite {m} so that a child understands it | put {m} in plain english | make {m} easier to read | {m} is too complicated, simplify it | dumb {m} down for me | what does {m} say, without jargon | rephrase {m} for a general audience | turn {m} into easy language | i don't understand {m}, say it more simply | lower the reading level of {m} | break {m} down for a beginner
extract-names: list all people mentioned in {m} | pull the names out of {m} | who appears in {m} | extract persons and organisations from {m} | find every name in {m} | give me the companies and people in {m} | named entities in {m} as json | which people does {m} talk about | get the proper names from {m} | tag the persons in {m} | make a list of who is named in {m} | names only, from {m}
extract-dates: list all dates mentioned in {m} | pull the deadlines out of {m} | when do things happen according to {m} | extract dates and times from {m} | find every date in {m} | make a timeline of {m} | the dates in {m} as iso strings | which deadlines does {m} contain | get the schedule out of {m} | chronological list of events in {m} | what days are named in {m} | put the dates of {m} in a table
extract-actions: what are the action items in {m} | list the to-dos from {m} | who has to do what according to {m} | pull out the tasks in {m} | next steps from {m} | extract open points of {m} | turn {m} into a task list with owners | which actions follow from {m} | what was agreed in {m} | get me the follow-ups of {m} | what is left to do after {m} | convert {m} into tickets
sentiment: is {m} positive or negative | what's the sentiment of {m} | label the tone of {m} | does the author of {m} sound happy or angry | rate the mood of {m} from 1 to 5 | classify {m} as positive, neutral or negative | how does the writer feel in {m} | detect the emotion in {m} | is {m} praise or criticism | score the satisfaction in {m} | tell me whether {m} is favourable | polarity of {m}
topic-label: which category does {m} belong to | assign a topic to {m} | tag {m} with one of my labels | sort {m} into a department | what kind of text is {m} | classify {m} by subject | pick the right label for {m} | route {m} to the correct team | is {m} about billing, sales or support | put {m} in a bucket | label {m} | choose a category for {m}
title: write a title for {m} | what should {m} be called | suggest a headline for {m} | give {m} a catchy name | come up with five titles for {m} | i need a subject line for {m} | name {m} | find a better heading for {m} | title ideas for {m} | a short caption for {m} | propose a headline that sums up {m} | how would you title {m}
reply: write a reply to {m} | answer {m} for me | how should i respond to {m} | draft a response to {m} | help me answer {m} politely | reply to {m} and decline | compose an answer to {m} | what do i write back to {m} | respond to {m} in two lines | i got {m}, prepare my answer | suggest a friendly reply to {m} | write back to {m} saying yes
critique: give me feedback on {m} | what's wrong with {m} | critique {m} | how can i improve {m} | review {m} and be honest | point out the weaknesses of {m} | is {m} any good | rate {m} and say why | what would you change in {m} | find the holes in the argument of {m} | act as an editor and comment on {m} | suggestions to make {m} stronger
continue: continue {m} | write what comes next in {m} | finish {m} for me | {m} stops in the middle, complete it | add another paragraph to {m} | carry on with {m} in the same style | extend {m} | what happens next in {m} | write the ending of {m} | pick up {m} where it breaks off | fill in the missing rest of {m} | keep going with {m}
questions: write quiz questions about {m} | make a test out of {m} | come up with comprehension questions for {m} | five multiple choice questions on {m} | quiz me on {m} | create flashcards from {m} | turn {m} into an exam | what could a teacher ask about {m} | generate questions and answers from {m} | help me study {m} by asking me things | interview questions based on {m} | make an faq from {m}
table: turn {m} into a table | put {m} in a csv | format {m} as json | convert {m} to markdown | make a spreadsheet out of {m} | structure {m} as columns and rows | reformat {m} as a bulleted list | give me {m} as yaml | arrange {m} in tabular form | tidy the layout of {m} | {m} as xml please | present {m} as a matrix
compare-two: compare {m} with the other version | what changed between {m} and the new one | list differences between these two: {m} | which one is better, {m} or the second | put {m} side by side with the other | diff {m} against the old one | do {m} and the other one contradict each other | where do the two versions of {m} disagree | similarities and differences of {m} and its rival | judge which answer is stronger, {m} or b | spot what is new in {m} | contrast {m} with the one below
factcheck: is what {m} says true | fact-check {m} | verify the claims in {m} | are there false statements in {m} | which facts in {m} are wrong | check {m} against what you know | can i trust {m} | find errors of fact in {m} | does {m} get the history right | true or false: the claims in {m} | is {m} misleading | point out made-up facts in {m}
answer-from: answer the question using {m} | according to {m}, what is the answer | find in {m} where it says that | look in {m} and tell me | use only {m} to reply to my question | does {m} mention it | where in {m} is this covered | based on {m}, who is responsible | what does {m} say about the price | search {m} for the answer | quote the passage of {m} that answers this | from {m}: how many were there
longer: make {m} longer | expand {m} | add detail to {m} | flesh out {m} | {m} is too short, elaborate | develop {m} into a full page | give {m} more depth and examples | blow {m} up to 500 words | write a fuller version of {m} | enrich {m} with descriptions | extend the points in {m} | unfold {m} into paragraphs
poem: write a poem about {m} | turn {m} into verse | make a song out of {m} | a haiku on {m} | rhyme about {m} | compose a limerick from {m} | put {m} into rhyming couplets | rap about {m} | an ode inspired by {m} | retell {m} as a ballad | lyrics based on {m} | sonnet about {m}
"""
MATERIAL = """this email|the mail below ; this report|the attached report ; this contract|the agreement below ; this article|the news story below ; this meeting transcript|the call notes ; this customer review|the review below ; this chat log|the conversation below ; this essay|my essay ; this short story|my story ; this cover letter|my application letter ; this research paper|the study below ; this blog post|my post ; this speech|my talk ; this product description|the product text ; this support ticket|the user's message ; this lecture|the lecture notes ; this recipe|the recipe below ; this policy|the terms and conditions ; this tweet|the social media post ; this chapter|the book chapter"""

# Plain scenes, for the sense of a sentence as such: who | does (present, -ing, passive) | to what.
PEOPLE = "a man|a guy|a male person ; a woman|a lady|a female person ; a boy|a young boy|a little boy ; a girl|a young girl|a little girl ; two people|a pair of people|a couple ; a group of people|several people|a crowd ; a child|a kid|a small child ; an old man|an elderly man|a grandfather ; a chef|a cook ; a worker|a labourer"
DEEDS = """
slices,cuts|slicing,cutting|sliced,cut|an onion;a tomato;a loaf of bread;a carrot;some cheese;a melon
fries,cooks|frying,cooking|fried,cooked|an egg;some fish;vegetables in a pan;meat
plays|playing|played|the violin;the drums;a flute;a trumpet;cards;chess;tennis;basketball
rides|riding|ridden|a horse;a bicycle;a motorbike;a camel;an escalator
reads,looks through|reading,looking through|read|a newspaper;a book;a letter;a map
throws,tosses|throwing,tossing|thrown,tossed|a ball;a stone;a frisbee into the air;a stick for a dog
carries,holds|carrying,holding|carried,held|a box;a baby;a suitcase;an umbrella;a bag of groceries
washes,cleans|washing,cleaning|washed,cleaned|a car;the dishes;a window;the floor;a dog
paints,draws|painting,drawing|painted,drawn|a wall;a picture;a fence;a portrait
fixes,repairs|fixing,repairing|fixed,repaired|a bicycle;an engine;a roof;a computer
opens|opening|opened|a door;a can;a present;a bottle
pushes,shoves|pushing,shoving|pushed,shoved|a cart;a car;a pram;a swing
pours|pouring|poured|water into a glass;milk into a bowl;oil into a pan;coffee
feeds|feeding|fed|the ducks;a cat;a baby;a giraffe;some birds
catches|catching|caught|a fish;a ball;a train;a butterfly
climbs,scales|climbing,scaling|climbed|a tree;a rock face;a ladder;a mountain;a rope
cuts down,chops down|cutting down,chopping down|cut down|a tree;a bush
folds|folding|folded|a piece of paper;a shirt;a blanket
drives,steers|driving,steering|driven,steered|a truck;a tractor;a bus;a boat
peels|peeling|peeled|a potato;an apple;a shrimp;a banana
writes|writing|written|a letter;on a blackboard;something in a notebook
pulls,drags|pulling,dragging|pulled,dragged|a sled;a rope;a suitcase;a cow
mixes,stirs|mixing,stirring|mixed,stirred|a soup;batter in a bowl;paint;a sauce
lifts,raises|lifting,raising|lifted,raised|weights;a heavy stone;a child;a flag
walks along,strolls along|walking along,strolling along|walked along|the beach;a street;a path in the woods
jumps over,leaps over|jumping over,leaping over|jumped over|a fence;a puddle;a wall;a stream
dances with,does a dance with|dancing with|danced with|a partner;a hat;a child
points at,aims at|pointing at,aiming at|pointed at,aimed at|a sign;a target;a map
shoots,fires|shooting,firing|shot,fired|a gun;an arrow;a basketball
eats,munches|eating,munching|eaten|a sandwich;an ice cream;noodles;a banana;popcorn
drinks,sips|drinking,sipping|drunk,sipped|tea;a beer;juice from a straw;water
wears,has on|wearing,having on|worn|a red hat;a white dress;sunglasses;a helmet
sits on,is seated on|sitting on,seated on|occupied|a bench;a sofa;a horse;the grass;a motorcycle
watches,looks at|watching,looking at|watched|television;a football match;the sunset;a parade
hugs,embraces|hugging,embracing|hugged,embraced|a dog;a friend;a teddy bear
kicks,boots|kicking,booting|kicked|a ball;a door;a bag
brushes,combs|brushing,combing|brushed,combed|a horse;her hair;a cat
picks up,lifts up|picking up,lifting up|picked up|a toy;a phone;some apples;a snake
plants,puts in the ground|planting|planted|a tree;flowers;seeds
unpacks,empties|unpacking,emptying|unpacked,emptied|a suitcase;a box;a bag
"""

# Plain news, for the same: an event in a place; the next place is another event.
NEWS = """
earthquake hits {p} | strong quake strikes {p} | powerful tremor shakes {p} | {p} rocked by earthquake | a major earthquake has been felt across {p} | quake rattles {p}, people flee their homes | seismic shock jolts {p}
{n} killed in {p} bus crash | bus accident in {p} leaves {n} dead | {n} people die as coach overturns in {p} | at least {n} dead after bus plunges off road in {p} | {p}: bus crash claims {n} lives | death toll from {p} bus accident reaches {n}
{n} dead in {p} bombing | bomb blast kills {n} in {p} | explosion in {p} leaves {n} people dead | {p} attack: {n} killed by bomb | at least {n} die in {p} suicide attack | {n} lives lost as bomb goes off in {p}
president of {p} resigns | {p}'s head of state steps down | {p} leader quits | leader of {p} leaves office | {p} president announces resignation | after weeks of pressure the president of {p} gives up power
opposition wins election in {p} | {p} vote goes to the opposition | opposition party claims victory in {p} poll | voters in {p} hand win to opposition | election in {p} won by opposition
floods in {p} displace thousands | thousands forced from homes by {p} flooding | heavy rain and floods drive people out in {p} | {p} flooding leaves thousands homeless | rising water makes thousands flee in {p}
protesters clash with police in {p} | police and demonstrators fight in {p} | riot police battle crowds in {p} | {p} demonstration turns violent | clashes break out at {p} protest | tear gas fired at marchers in {p}
{p} and {q} resume peace talks | peace negotiations between {p} and {q} start again | {p}, {q} return to the negotiating table | {q} and {p} agree to new round of talks | talks to end conflict restart between {p} and {q}
{p} fires missile in test | {p} carries out missile launch | missile tested by {p} | {p} says it has launched a new rocket | test launch of missile by {p} draws criticism
fire destroys factory in {p} | factory burns down in {p} | blaze guts {p} plant | {p} factory goes up in flames | huge fire at factory in {p} | workers escape as plant in {p} burns
plane crashes in {p}, {n} aboard | aircraft carrying {n} goes down in {p} | {p}: jet with {n} people on board crashes | {n} on plane that crashed in {p} | passenger plane comes down in {p} with {n} on board
stocks in {p} fall | {p} shares drop | {p} market closes lower | shares end down in {p} | equities slide in {p} | losses on the {p} stock exchange
stocks in {p} rise | {p} shares gain | {p} market closes higher | shares end up in {p} | equities climb in {p} | rally on the {p} stock exchange
{p} court jails journalist for {n} years | journalist sentenced to {n} years in {p} | reporter gets {n}-year prison term in {p} | {n} years in jail for journalist in {p} | judge in {p} sends reporter to prison for {n} years
police in {p} arrest suspect in shooting | man held over {p} shooting | suspected gunman detained in {p} | {p} shooting: one arrested | arrest made after shots fired in {p}
airline to cut {n} jobs in {p} | {n} jobs to go at airline in {p} | carrier lays off {n} workers in {p} | {p}: airline sheds {n} staff | {n} airline employees in {p} to lose their jobs
{p} beats {q} in final | {p} defeats {q} to win the cup | {q} lose to {p} in the final | {p} lift trophy after victory over {q} | cup goes to {p} as {q} fall short
{p} raises interest rates | central bank of {p} lifts rates | rates go up in {p} | borrowing to cost more in {p} after rate rise | {p} bank increases key rate
{p} cuts interest rates | central bank of {p} lowers rates | rates come down in {p} | borrowing to cost less in {p} after rate cut | {p} bank reduces key rate
{p} and {q} sign trade deal | trade agreement reached between {p} and {q} | {q}, {p} agree on trade | new commerce pact for {p} and {q} | {p} strikes trade accord with {q}
{n} migrants rescued off {p} | boat people saved near {p} coast, {n} in all | {n} refugees pulled from the sea off {p} | coastguard of {p} picks up {n} migrants | rescue of {n} migrants in waters of {p}
ferry sinks off {p} | boat goes down near {p} | passengers missing after ferry capsizes off {p} | {p} ferry disaster | ship carrying passengers sinks in {p} waters
teachers strike in {p} | {p} schools shut as teachers walk out | walkout by teaching staff in {p} | classes cancelled in {p} over teachers' strike | teachers in {p} stop work
{p} bans smoking in public | smoking outlawed in public places in {p} | no more smoking in {p} bars and streets | {p} passes law against smoking in public | new {p} rule stops people smoking in public
heavy snow closes airports in {p} | flights grounded by snow in {p} | {p} airports shut after snowfall | snowstorm halts air travel in {p} | winter weather shuts down {p} airports
"""
PLACES = "Peru;Kenya;Norway;Thailand;Bulgaria;Chile;Morocco;Vietnam;Portugal;Ghana;Nepal;Cuba;Egypt;Japan;Mexico;Austria"


def groups(seed=1):
    draw = random.Random(seed)
    things = _lists(THINGS)
    out = []
    for line in _blocks(ACTS):
        head, templates = line
        for kind in head.split(":")[1].split():
            for names in things[kind]:
                texts = {_about(template, draw.choice(names), draw) for template in draw.sample(templates, min(len(templates), PHRASINGS))}
                out.append({"kind": "acts", "texts": sorted(texts)})
    for line in TASKS.strip().split("\n"):
        templates = line.split(": ", 1)[1].split(" | ")
        for names in [[n.strip() for n in part.split("|")] for part in MATERIAL.split(";")]:
            texts = {_dress(template.strip().replace("{m}", draw.choice(names)), draw) for template in templates}
            out.append({"kind": "tasks", "texts": sorted(texts)})
    for line in DEEDS.strip().split("\n"):
        acts, doing, done, objects = line.split("|")
        for thing in objects.split(";"):
            for who in draw.sample([[n.strip() for n in part.split("|")] for part in PEOPLE.split(";")], 5):
                texts = set()
                while len(texts) < 8:
                    texts.add(_scene(who, acts.split(","), doing.split(","), done.split(","), thing, draw))
                out.append({"kind": "scenes", "texts": sorted(texts)})
    places = PLACES.split(";")
    for line in NEWS.strip().split("\n"):
        templates = line.split(" | ")
        for place in draw.sample(places, 12):
            other, number = draw.choice([p for p in places if p != place]), str(draw.choice([3, 5, 8, 12, 17, 24, 40, 65, 100, 300]))
            texts = {_headline(template.replace("{p}", place).replace("{q}", other).replace("{n}", number), draw) for template in templates}
            out.append({"kind": "news", "texts": sorted(texts)})
    return out


def _headline(text, draw):
    text = text[0].upper() + text[1:]
    return text + "." if draw.random() < 0.3 else text


def _scene(who, acts, doing, done, thing, draw):
    person = draw.choice(who)
    are = "are" if person.startswith(("two", "several")) else "is"
    be = "are" if re.match(r"(the (drums|ducks|dishes)|cards|vegetables|weights|some birds)", thing) else "is"
    forms = [
        f"{person} {are} {draw.choice(doing)} {thing}", f"{person} {are} {draw.choice(doing)} {thing}.",
        f"there {are} {person} {draw.choice(doing)} {thing}", f"{thing} {be} being {draw.choice(done)} by {person}",
        f"{person} {are} seen {draw.choice(doing)} {thing} outside", f"{person} who {are} {draw.choice(doing)} {thing}",
    ]
    if are == "is":
        forms.append(f"{person} {draw.choice(acts)} {thing}")
    return draw.choice(forms)


def _about(template, name, draw):
    plural = name.endswith("s") and not name.endswith("ss") and name not in ("bus", "school bus", "business cards")
    article = "" if plural else ("an " if name[0] in "aeiou" else "a ")
    text = template.strip()
    text = text.replace("{my x}", draw.choice(["my ", "my ", "the ", "our "]) + name).replace("{the x}", "the " + name)
    text = text.replace("{a x}", article + name).replace("{X}s", name if plural else name + "s").replace("{X}", name).replace("{x}", article + name)
    return _dress(text, draw)


BEFORE = ["hi, ", "hello, ", "please help: ", "hey ", "quick question: ", "so ", "ok, "]
AFTER = [" please", " thanks", ", if possible", " asap", ", thank you", " today"]


def _dress(text, draw):
    if draw.random() < 0.1:
        text = draw.choice(BEFORE) + text
    if draw.random() < 0.1:
        text += draw.choice(AFTER)
    if draw.random() < 0.4:
        text = text[0].upper() + text[1:] + ("?" if re.match(r"(how|what|when|where|which|who|why|is|can|do|does|has|am|are)\b", text) else ".")
    return text


def _blocks(text):
    lines = text.strip().split("\n")
    return [(lines[i], lines[i + 1].split(" | ")) for i in range(0, len(lines), 2)]


def _lists(text):
    out = {}
    for line in text.strip().split("\n"):
        kind, things = line.split(": ", 1)
        out[kind] = [[name.strip() for name in thing.split("|")] for thing in things.split(" ; ")]
    return out
