/**
 * The English word lists of the agreement rules: data only. They are ours, small on purpose, and meant to be read: a word
 * that stands in no list is content, and content that only one of two prompts has counts against serving.
 */

/** Say nothing of what is asked for. */
export const emptyWords =
  words(`a an the this that these those it its itself i me my mine myself we us our ours you your yours he him his
  she her hers they them their theirs one ones who whom whose what which where when why how there here be am is are was were been being do
  does did doing done have has had having will would shall should can could may might must ought and or but if then so as to of in on at
  for with by from into onto about than too very just really also some any such own same whether while because since until out up down off
  again please kindly thanks thank hello hi hey ok okay exactly actually simply basically currently anyhow anyway get gets getting got
  gotten go goes going went let lets s t re ve ll d m yes etc per via like degree degrees x`);

/** Belong to how something is asked; a difference in them counts a little. */
export const lightWords =
  words(`tell show give want need wish help know explain describe define definition meaning mean means say see find
  way ways step steps method process possible able good best better proper right correctly tip tips advice idea ideas kind type sort thing
  things stuff someone somebody anyone anybody something anything people person use using make making made take come work works working
  happen happens happening happened cause causes think understand learn look looking wonder wondering question answer info information
  detail details other another more most much many lot lots bit quick quickly fast faster easily easy simple nice great suggest recommend
  recommendation provide offer create write draft generate compose set put keep try trying start required require requires necessary
  consider considered called name named list example form format number amount part now new own online personal different term word
  words well available existing allowed allow permitted permit actual certain own bring ask start`);

/** Words that may stand for each other in a request; the first names the class. A class is not a thesaurus entry. */
export const sameWords: readonly string[] = `
change alter modify edit|cancel terminate|delete erase remove clear|login signin logon|register signup enrol enroll|buy purchase
refund reimbursement reimburse|order purchase-order|package parcel shipment|ship deliver shipping delivery|phone mobile smartphone cellphone telephone
email mail e-mail|picture photo image photograph|movie film|book novel|car automobile|doctor physician|child kid|mother mom mum mama|father dad papa
present gift|holiday vacation|trip journey|price cost pay charge fee expense expensive|cheap inexpensive|large big huge|small little tiny|fast quick rapid speedy
start begin commence|stop quit end finish|fix repair resolve solve mend correct|error mistake bug|problem issue trouble|remove rid|store shop
job position|work employment|salary wage|company firm business corporation|employee worker staff|boss manager|job-interview interview|cv resume
write draft compose create generate make author writer build design|list name enumerate|summarise summary summarize sum|translate translation|explain describe define definition meaning mean
difference differ different distinguish compare comparison|advantage benefit pro upside|disadvantage drawback con downside|example instance sample|method way approach
happen occur|cause reason|use utilise utilize using usage|need require necessary|allow permit let|try attempt|choose select pick|find locate|get receive obtain
show display|send mail-out|contact reach call|help assist support|ask request|answer reply respond response|speak talk|improve enhance better boost|learn study
reset restore-default|restart reboot|update upgrade|install setup|disable deactivate|enable activate|encrypt cipher|download save-file|computer pc laptop-computer
function routine|directory folder|repository repo|variable var|argument parameter|regex regexp|db database|javascript js|typescript ts|kubernetes k8s|postgres postgresql
config configuration|app application program|website site webpage|internet web|wifi wi-fi wlan|television tv|screenshot screengrab|max maximum|min minimum
usa us america|uk britain|ww worldwar|autumn fall-season|centre center|city town|country nation|height tall high|length long|distance far|age old|weight heavy weigh|population inhabitants
speed fast-rate|author wrote write|winner win won|house home|flat apartment|lorry truck|petrol gas gasoline|rubbish trash garbage|lift elevator|maths math mathematics
healthy health|bad unhealthy harmful|safe safety|danger dangerous hazard|ill sick|illness disease|headache head-ache|medicine medication drug|simple easy simply
begin-with beginner|annual yearly year|monthly month|weekly week|daily day|hourly hour|short brief|title headline|poem verse|speech address-speech|text passage|sentence phrase
position role|customer client|user person|team group|member user-member|luggage baggage|seat place-seat|hotel inn|restaurant diner|cook prepare-food|recipe dish-recipe
substitute replace replacement alternative|include included contain inclusion|cover coverage|increase raise|decrease reduce lower|lose lost|forget forgot forgotten|arrive arrival come
open opening|close closing|crash crashes|damage damaged broken|decline declined reject rejected deny|accept take|exchange swap|licence license|plane airplane aircraft aeroplane|flight fly
clean wash|stain spot|exercise workout|sleep asleep|baby infant|dog puppy-dog|buy-in invest-in|invest investment|stock share|save saving|earn make-money|tax taxes|budget budgeting
speak spoken|build built|discover discovered discovery|paint painted painter|play played|teach taught teacher-of|eat eaten food-eat|drink drank|go travel
plan schedule|meeting appointment|reservation booking book-table|document paper|form questionnaire|rule regulation|law legal legally|feedback review|mark grade
human person|planet world|sea ocean|salty salt|colour color|movie-review review|job-offer offer|proofread proof-read|spelling spell spelt|grammar grammatical|synonym another-word|funny joke
prepare preparation|visit visiting see|symptom symptoms|storage space`
  .split(/[|\n]/)
  .filter((line) => line !== '');

/** Two or three words that mean one. */
export const phrases: readonly (readonly [string, string])[] = `
get rid of=remove;turn on=enable;turn off=disable;switch on=enable;switch off=disable;switch to=change;log in=login;log into=login;log on=login;sign in=login;sign into=login;log out=logout;sign out=logout;sign up=register
set up=install;back up=backup;backs up=backup;check in=checkin;check out=checkout;how come=why;what makes=why;what causes=why;what caused=why;in order to=to;phone number=phonenumber;a lot of=many;more than=morethan;greater than=morethan;less than=lessthan;fewer than=lessthan;at least=atleast;at most=atmost;up to=atmost;no more than=atmost
stand for=abbreviates;short for=abbreviates;full form of=abbreviates;find out=find;look up=find;come up with=write;give up=stop;carry over=carryover;fill in=fill;fill out=fill
regular expression=regex;credit card=card;debit card=debitcard;united states=usa;united kingdom=uk;any more=anymore;hand in=submit;such as=like;pass on=forward;get to=reach
how long=howlong;how much time=howlong;how much=howmuch;how many=howmany;how far=distance;how tall=height;how high=height;how old=age;how fast=speed;how big=size;how large=size;how heavy=weight;how often=howoften
what time=when;which year=when;what year=when;which day=whichday;what day=whichday;at what time=when;in what year=when;number of=howmany
going to=will;able to=can;have to=must;has to=must;need to=must;would like=want;you are=you;would you=you;make sure=ensure;due to=because;kind of=kind;sort of=kind;type of=kind`
  .split(/[;\n]/)
  .filter((line) => line !== '')
  .map((line) => line.split('=') as [string, string]);

/** Opposites: words left of the bar against those right of it; each line is one axis. */
export const opposites: readonly string[] = `
increase raise rise rising grow high higher high-up gain boost | decrease reduce low lower fall falling drop decline-in shrink lose
maximum max maximise maximize highest most | minimum min minimise minimize lowest least fewest
before prior earlier | after later following post afterwards
enable activate allow | disable deactivate forbid prohibit deny
add append insert attach | remove detach subtract
open unlock | close lock shut
start begin launch open-up | stop end quit finish terminate
upload push send export lend | download pull receive import borrow
ascending oldest earliest | descending newest latest youngest
advantage pro benefit upside strength | disadvantage con drawback downside weakness
more above exceed larger bigger greater longer taller older heavier faster stronger richer | less fewer below smaller shorter younger lighter slower weaker poorer
cheap cheapest cheaper inexpensive | expensive costly dearest pricey
hot warm heat | cold cool chill
early | late
inside indoor internal inner | outside outdoor external outer
legal lawful | illegal unlawful
safe | dangerous unsafe
east | west
north northern | south southern
public | private
male man men boy husband father son brother | female woman women girl wife mother daughter sister
buyer landlord employer teacher sender lender | seller tenant employee student recipient borrower
encrypt encode compress zip serialise serialize | decrypt decode decompress unzip deserialise deserialize
input | output
connect attach | disconnect detach
include with including | exclude without excluding except
true yes | false no
good best pass success succeed | bad worst fail failure
import | export
win won winner | lose lost loser
buy purchase | sell sold
arrive arrival arriving | depart departure departing leave
love like | hate dislike
alive birth born | dead death died
front | back rear
horizontal row rows width | vertical column columns height-of
client frontend | server backend
manual manually | automatic automatically
temporary temporarily | permanent permanently
sync synchronous | async asynchronous
local locally | remote remotely
subscribe | unsubscribe
cardio | weights
short shorten shortest | long lengthen longest
first | last
morning am | evening pm
day | night
present | absent
plural | singular
compile | decompile
positive | negative
odd | even
debit | credit
incoming inbound | outgoing outbound
ascend | descend
merge | split`
  .split('\n')
  .filter((line) => line !== '');

export const negators =
  words(`not no never without except cannot nothing nobody none neither nor unable impossible lacking lack lacks missing
  fails fail failed refuse refuses refused hardly excluding minus besides stop-from`);

/** Each list is one quantifier. Two prompts must use the same ones of the first kind … */
export const strictQuantifiers: readonly string[] =
  `morethan|lessthan|atleast|atmost|both|either|half|only solely merely|almost nearly|always|sometimes occasionally|often frequently|usually|rarely seldom
most majority|few|many|last final|next|least|enough|duplicate duplicates`
    .split(/[|\n]/)
    .filter((line) => line !== '');
/** … and may not use different ones of the second, though one of them may use none. */
export const looseQuantifiers: readonly string[] =
  'all every everyone everybody everything whole entire each|some several|any|exactly precisely'.split('|');

export const units: readonly string[] = `
km kilometre kilometer kms|mile mi|metre meter|cm centimetre centimeter|mm millimetre millimeter|foot feet ft|inch inches|yard yd|kmh kph km/h|mph
kg kilo kilogram kilogramme kgs|gram gramme|mg milligram|pound lb lbs|ounce oz|ton tonne|stone|litre liter|ml millilitre milliliter|gallon|pint|cup|tablespoon tbsp|teaspoon tsp
byte|kb kilobyte|mb megabyte|gb gigabyte|tb terabyte|kbps|mbps|gbps|hz hertz|khz|mhz|ghz|watt|kw kilowatt|kwh|mwh|volt|amp|joule|calorie kcal
second seconds sec secs|millisecond ms|minute minutes min mins|hour hours hr hrs hourly|day days daily|week weeks weekly|month months monthly|year years yearly annual annually|decade|century
celsius|fahrenheit|kelvin|percent percentage|eur euro euros|usd dollar dollars bucks|gbp sterling quid|yen jpy|chf franc|rupee inr|cent cents|yuan cny|krone|hectare|acre|sqm
word words|character characters|page pages|paragraph paragraphs|line lines|sentence sentences|token tokens|column columns|row rows`
  .split(/[|\n]/)
  .filter((line) => line !== '');

/** Units by letters that mean something else unless a number stands before them. */
export const shortUnits: Readonly<Record<string, string>> = {
  m: 'metre',
  g: 'gram',
  l: 'litre',
  s: 'second',
  h: 'hour',
  d: 'day',
  w: 'watt',
  v: 'volt',
  b: 'byte',
  c: 'celsius',
  f: 'fahrenheit',
  in: 'inch',
  t: 'ton',
  '%': 'percent',
  pt: 'pint',
  pm: 'pm',
  am: 'am',
  k: 'kelvin',
  min: 'minute',
  mi: 'mile',
  sec: 'second',
  ms: 'millisecond',
  yd: 'yard',
  ft: 'foot',
  mb: 'mb',
  gb: 'gb',
  kb: 'kb',
  tb: 'tb',
};

export const months = 'january february march april may june july august september october november december'.split(
  ' ',
);
export const weekdays = 'monday tuesday wednesday thursday friday saturday sunday weekday weekend'.split(' ');
export const daysAndTimes =
  words(`today tonight tomorrow yesterday noon midnight morning afternoon evening night spring summer autumn winter christmas easter
  ramadan thanksgiving halloween eve hanukkah diwali quarter q1 q2 q3 q4`);

export const smallNumbers: Readonly<Record<string, number>> = {
  zero: 0,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  thirteen: 13,
  fourteen: 14,
  fifteen: 15,
  sixteen: 16,
  seventeen: 17,
  eighteen: 18,
  nineteen: 19,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
};
export const scales: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1e3,
  million: 1e6,
  billion: 1e9,
  trillion: 1e12,
  dozen: 12,
};
export const ordinals =
  'zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'.split(' ');

/** Prepositions that give the word behind them a part to play: exchanging those words exchanges the meaning. */
export const hardRoles = words('to into onto from than by with before after over under against versus instead until');
/** Those that may change into a mere order of words: `in Python`, `Python's`. */
export const softRoles = words('in on at of for about using through during between among inside');

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/).filter((word) => word !== ''));
}
