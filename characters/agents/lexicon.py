"""Word lists: common English words, peoples, jobs, the body, and how to know a foreign language.

A word that is common is no typing mistake of another one, and no name.
"""

from __future__ import annotations

__all__ = [
    "BACKCHANNELS", "BODY", "COMMON", "DOES", "FACT_WORDS", "FOREIGN",
    "GIVEN_NAMES", "JOBS", "KIN", "NUMBERS", "PEOPLES", "PLAIN",
    "SCRIPTS", "STATES", "VERBS", "VOCATIVES",
]  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in text.split(","))


# What a listener says so that the speaker goes on, by language; "" is what all share. No letter
# stands three times: "hmmmm" is looked for as "hm".
BACKCHANNELS = {
    "": _phrases(
        "aha, ah, aah, oh, ooh, ok, o k, um, uhm, hum, er, erm, ahem, huh, phew, whoa, lol"
    ),
    "en": _phrases(
        "uh, uhuh, ah huh, ah ha, okay, yeah, yep, yup, yes, right, i see, sure, exactly, indeed, "
        "true, of course, alright, all right, got it, go on, wow, interesting, really, yea, ya, "
        "absolutely, definitely, totally, that's right, i know, makes sense, fair enough, gotcha, "
        "understood, i understand, good, great, nice, cool"
    ),
    "de": _phrases(
        "ja, jaja, genau, ach so, achso, aha ja, okay, stimmt, klar, na klar, verstehe, "
        "ich verstehe, richtig, eben, gut, so so, echt, mhm ja, ja genau, ach ja, aso, jo, jep"
    ),
    "fr": _phrases("oui, ouais, d'accord, je vois, ah bon, bien sûr, exact, voilà, tout à fait"),
    "es": _phrases("sí, si, ya, claro, vale, entiendo, ya veo, exacto, de acuerdo, ajá, bueno"),
    "it": _phrases("sì, si, già, certo, capisco, ho capito, esatto, d'accordo, va bene, ecco"),
    "pt": _phrases("sim, pois, pois é, claro, certo, entendo, tá, tá bom, exato, é, sei"),
    "nl": _phrases("ja, jaja, oké, precies, juist, inderdaad, ik snap het, ik begrijp het, klopt"),
    "pl": _phrases("tak, no, no tak, dobrze, rozumiem, jasne, właśnie, racja"),
    "sv": _phrases("ja, jo, jaha, precis, just det, okej, jag förstår, absolut"),
    "tr": _phrases("evet, tamam, anladım, doğru, tabii, peki, öyle mi"),
    "ru": _phrases("да, ага, угу, понятно, ясно, конечно, точно, хорошо, правда"),
    "ja": _phrases("はい, うん, ええ, そう, そうですか, なるほど, へえ"),
    "zh": _phrases("嗯, 对, 好, 好的, 是, 是的, 明白, 哦"),
}

COMMON = _words("""
a abc able about above accept accident across act actually add adult adventure advice afraid
after afternoon again against age ago agree ah aha air alarm alas alive all allow allowed almost
alone along already alright also always am amazing among an ancient and angel anger angry animal
announce annoy another answer anxious any anybody anymore anyone anything anyway anywhere apart
appear apple apply april are area argue arm army around arrive art as ashamed aside ask asked
asleep at ate attack attention august aunt autumn avoid awake away awesome awful awkward baby
back bad bag bake ball band bank bar bare barely bark base bath batman be beach bear beard beat
beautiful became because become bed been beer before beg began begin behave behind being believe
bell belong below belt bench bend beneath beside best bet better between beyond big bike bill
bird birth birthday bit bite bitter black blame bleed bless blind block blond blood bloody blow
blue board boat bob body boil boiled bold bomb bone book boot bored boring born borrow boss both
bother bottle bottom bought bow bowl box boy brain brand brave bread break breakfast breath
breathe bridge brief bright brilliant bring bro broke broken brother brought brown bruh brush
bucket build built bunch burn bury bus bush business busy but butter button buy by bye cabin
cage cake call called calm came camera camp can candle candy cannot cap car card care careful
carpet carry case castle cat catch caught cause cave ceiling chain chair chance change chase
chat cheap cheat check cheek cheer cheers cheese cherry chest chew chicken child children chill
chin chips choice choose chose church circle city class clean clear clever climb clock close
closed cloth clothes cloud coach coast coat coffee cold collect college color colour comb come
comfort comic common company complain computer confused congratulations cook cool copy corn
corner correct cost cotton cough could count country couple course court cousin cover cow crap
crazy cream creepy cried cringe cross crowd crown cruel cry cup cure curious curse curtain cut
cute cuz dad daddy daily damage damn dance danger dangerous dare dark darling date daughter dawn
day dead deaf deal dear death december decide deep deer delicious dentist desk devil did die
died different difficult dig dinner dirt dirty disease disgusting dish do doctor does dog doing
doll done door double doubt down dozen drag draw drawer dream dress drew drink drive drop drove
drunk dry duck dude dull dumb dunno during dust duty each ear early earn earth east easy eat
edge egg eh eight either elbow eleven else elsewhere empty end enemy engine enjoy enough enter
entire erm escape even evening ever every everybody everyone everything evil exactly exam
example excellent except excited excuse exhausted exit expect expensive explain eye face fact
fail fair fairy faith fake fall false family famous fan fancy fantastic far farm fascinating
fast fat father fault favorite favour favourite fear february feed feel feeling feet fell felt
fence few field fifteen fifth fifty fight fill film finally find fine finger finish fire first
fish fit five fix flag flat flavour flew flies flight float floor flour flow flower flu fly fog
fold follow food fool foot football for forbid force forest forever forget forgive forgot fork
form forty forward found four fox free freeze fresh friday fridge friend friendly frog from
front fruit full fun funeral funny fur furniture future game garden gas gate gave gay general
gentle get ghost giant gift girl give given glad glass gloves go goal goat god goes gold gone
gonna good goodbye goodness goodnight gosh got gotta grab grade grand grandfather grandma
grandmother grandpa grass grateful grave great greedy green greet grew grey grin ground group
grow grown guard guess guessing guest guide guilty guitar gun guy guys had haha hahaha hair hale
half hall ham hand handsome hang happen happy hard hardly harm hat hate have he head heal health
hear heard heart heat heaven heavy heel hehe height held hell hello helmet help hen her here
hero hers herself hey hi hid hide high hilarious hill him himself hip hire his history hit hm
hmm hmmm hold hole holiday holy home homework honest honestly honey hook hope horn horrible
horse hospital host hot hotel hour house how however hug huge huh human hundred hung hungry hunt
hurry hurt husband i ice idc idea idiot idk if ill imagine important impressive in inch indeed
inside instead interesting into invite iron is island it its itself jail jam january jealous jk
job join joke joking journey joy juice july jump june just keen keep kept key kick kid kidding
kill kind kinda king kiss kitchen kitten knee knew knife knit knock know known lab lady laid
lake lamb lame lamp land language large last late later laugh law lay lazy lead leaf learn least
leave led left leg lemon less lesson let letter level lewd lie life lift light like likely line
lion lip list listen lit little live lively living lmao loaf lock log lol lonely long look loose
lord lose loser loss lost lot loud love lovely low luck lucky lunch lung mad made magic mail
main make male man manage many map march mark market married marry mask master mate matter maybe
me mean meant meat medicine meet melt member men menu mess message met mhm mice middle midnight
might mile milk mind mine minute mirror miserable miss mistake mix mom moment monday money
monkey monster month mood moon more morning most mother mountain mouse mouth move movie much mud
mum mummy murder music must my myself nah nail naked name nap narrow nasty nauseated nauseous
near nearly neat neck need needle neighbour neither nervous nest net never new news next nice
night nine no nobody noise none nonsense noon nope nor north nose not note nothing notice
november now nowhere nudge nuh numb number nurse nut obvious obviously ocean october odd of off
offer office often oh oil ok okay old omg on once one onion only oops open or orange order other
ouch ought our ours ourselves out outside oven over own page paid pain paint pair pan pants
paper parcel pardon parent parents park part party pass past path patient pay peace pear pen
pencil penny people perfect perhaps person pet pfft phone photo piano pick picture pie piece pig
pile pill pillow pink pipe pirate place plan plane plant plate play please plenty pls plz pocket
poem point poison police polite pond pool poor poorly pop port possible post pot potato pour
power practice pray prefer pregnant present press pretend pretty price prince princess print
prison private prize probably problem promise proper proud prove public pull pulse pump punch
punish puppy pure purple purpose push put puzzle quarter queen question queue quick quickly
quiet quit quite rabbit race radio rail rain raise ran rang rat rather raw reach read ready real
really reason receive record red refuse regret relax remember rent repeat reply rescue rest
result return rice rich ride right ring ripe rise river road roar rob robot rock rode roll roof
room root rope rose rough round row royal rub rubbish rude ruin rule run rush rust sad safe said
sail sailor sale salt same sand sandwich sang sat saturday save saw say says scare scared school
science scream sea search season seat second secret see seed seem seen self sell send sense sent
september serious serve set seven several sew shade shadow shake shall shame shape share sharp
shave she sheep sheet shelf shell ship shirt shock shoe shoes shoot shop shore short shot should
shoulder shout show shower shut shy sick side sign silent silly silver simple since sing single
sink sir sister sit six size skin skirt sky sleep sleepless sleepy slept slice slip slow slowly
small smart smell smile smoke smooth snake sneeze snow so soap sober sock soft soil sold soldier
solve some somebody someone something sometimes somewhere son song soon sore sorrow sorry sort
soul sound soup sour south space spare speak special speed spell spend spent spider spin spirit
spoke spoon sport spot spring square stable stage stairs stand star start starving state station
stay steal steam step stick still sting stink stir stomach stone stood stop store storm story
straight strange stranger street stressed strict strong stuck study stuff stupid such sudden
sugar suit summer sun sunday sunny sup supper suppose sure surely surprise surprised sus swam
swear sweet swim sword table tail take taken tale talk tall tank tap taste taught tax taxi tbh
tea teach teacher team tear teeth tell ten tent terrible test than thank thanks that the their
them themselves then there these they thick thief thin thing things think third thirsty thirteen
thirty this tho those though thought thousand thread three threw throat through throw thumb
thursday thx tick ticket tidy tie tight till time tin tiny tip tipsy tired to toast today toe
together toilet told tomorrow tongue tonight too took tool tooth top tore torn total touch
touched tough tour tow toward towel tower town toy track trade train trap travel treasure treat
tree trick trip trouble truck true trust truth try tuesday turn twelve twenty twice twin two ty
ugly uh uhh um umm uncle under understand unhappy until unwell up upon upset upstairs ur us use
used useful useless usual usually vegan vegetarian very village visit voice vote wait wake walk
wall wanna want war warm warn was wash waste watch water wave way we weak wear weather wedding
wednesday week weekend weird welcome well went were west wet whale what whatever wheel when
where whether which while whisper white who whoa whole whom whose why wide wife wild will win
wind window wine wing winter wipe wire wise wish witch with without woke woman women won wonder
wonderful wood word wore work world worm worried worry worse worst worth worthless would wound
wounded wow wrap write wrong wrote wtf wut ya yard yay yea yeah year years yellow yep yes
yesterday yet yikes yo you young your yours yourself youth yup zero zoo
absolute alike bass bees begun blank bloke bows boys bun cafe cast changed closer coal coin cope
core cork correction create cured cuts deleted detector direction directory disk draining drawn drip
drown drums edit emotion examine event failures fare figured file forge keys lack leans learnt lease
lied liked lines load loads logs loop loses makers meals mend mid moved mute named noticed option
optional owe pace pack pad patience pays per plain plank policies pose pressure pry puts refused
remote removed reset restarted resumed sample saved saving scale scar score shared shown ski slot
stale stored stores strike string switched tab tables tag taking text theme tile tire token tomes
torch tray tried typed unfairly user value ways web whenever wherever width translated
""")

# Names that are words too.
GIVEN_NAMES = _words("""
amber angel april art ash autumn basil bill bob chance charity chase chuck daisy dawn dean drew
eve faith frank gene grace grant guy harry hazel heather holly hope iris ivy jack jade jasmine
jay john josh joy june lily luke mark max may miles nick olive pat pearl penny peter ray red
rich rob robin rose ruby rusty sandy skip sky star sue summer tom victor violet will wren
""")

# What one calls somebody whose name one does not know.
VOCATIVES = _words("""
sir madam ma'am miss mister doctor doc mate buddy pal bro bruh dude fam boss darling love honey
gorgeous handsome sexy sweetie sweetheart sunshine cutie babe
""")

# What one is for a while: "I am tired" tells no name and no profession.
STATES = _words("""
able afraid alive allergic alone angry annoyed anxious ashamed asleep awake aware away awful
back bad better blind bored broke busy calm careful certain clean close cold confused curious
dead deaf depressed different disappointed done drunk dying early excited exhausted famous fat
fine first free fun funny glad gone good grateful great guilty happy healthy here home homeless
hot hungry hurt ill impressed inside interested joking jealous kidding late lonely lost lucky
mad married new nervous next nobody not nothing ok okay old only outside over patient pleased
poor pregnant proud quiet ready real relieved rich right sad safe scared serious shocked shy
sick single sleepy small smart sorry sore starving strong stuck stupid sure surprised tall
terrible terrified there thinking thirsty through tired trapped ugly unhappy unwell upset used
vegan vegetarian very well worried wrong young bleeding going coming leaving looking trying
waiting feeling just so too really quite still also always never all both in on at with from
about like hoping visiting getting having doing being your you
""")

JOBS = _words("""
accountant actor actress architect artist astronaut author baker banker barber blacksmith
builder butcher carpenter chef cleaner clerk cook dancer dentist designer detective developer
doctor driver electrician engineer farmer firefighter fireman fisherman gardener hairdresser
journalist judge lawyer librarian lifeguard mechanic miner musician nurse painter paramedic
pensioner pharmacist photographer physician physicist pilot plumber poet policeman porter
postman priest professor programmer psychologist sailor salesman scientist secretary singer
smith soldier student surgeon tailor teacher thief vet veterinarian waiter waitress writer
janitor
""")

PEOPLES = _words("""
african albanian algerian american arab argentinian armenian asian australian austrian
bangladeshi basque belgian bolivian bosnian brazilian british bulgarian canadian catalan chilean
chinese colombian croatian cuban czech danish dutch egyptian english estonian ethiopian european
filipino finnish french georgian german ghanaian greek hungarian icelandic indian indonesian
iranian iraqi irish israeli italian jamaican japanese jewish kenyan korean kurdish latvian
lebanese lithuanian macedonian malaysian mexican mongolian moroccan nepali nigerian norwegian
pakistani palestinian peruvian polish portuguese romanian russian scottish serbian sicilian
singaporean slovak slovenian somali spanish sudanese swedish swiss syrian taiwanese thai
tunisian turkish ukrainian uruguayan venezuelan vietnamese welsh catholic muslim hindu buddhist
atheist protestant
""")

KIN = _words("""
lad lass missus hubby nan bestie
flatmate roommate neighbor teddy budgie tortoise stepson stepdaughter
aunt boyfriend boss brother brothers child children colleague cousin cousins dad daddy daughter
daughters dog father fiance fiancee friend friends girlfriend gran grandad granddad grandchild
grandchildren granddaughter grandfather grandma grandmother grandpa grandson granny husband kid
kids mama mate mom mommy mother mum mummy neighbour nephew niece papa parents partner pet sister
sisters son sons stepfather stepmother teacher twin uncle wife cat cats dogs hamster horse
rabbit parrot grandads grandmas grandpas grandkids mums moms dads uncles aunts nieces nephews
""")

BODY = _words("""
ankle arm arms back belly bone bones brain butt cheek chest chin ear ears elbow eye eyes face
feet finger fingers foot gum gums hair hand hands head heart hip jaw knee knees leg legs lip
lips liver lung lungs mouth muscle nail nails neck nose rib ribs shoulder skin stomach teeth
throat thumb toe toes tongue tooth tummy wrist
""")

# Words by which a thing is asked for, and that say nothing of it.
PLAIN = _words("""
a an the this that these those there here is are was were am be been do does did have has had got
can could will would should shall may might must you your i my me mine we our us it its he him his
she her they them their of in on at to for from with by about and or but so if as not no yes please
tell say said know what which whose any some something anything else much just really very too ever
now then ok okay oh well hey hello hi mr mister mrs dr sir like one thing out all more also still
think let us go want see look over exactly called name mean sorry again excuse
""")

# What one does for a living or for pleasure: "I bake bread".
DOES = _words("teach study learn write sell collect grow bake breed paint repair drive")

# Verbs with their other forms, where these do not end in -ed.
VERBS: dict[str, str] = {
    form: forms.split()[0]
    for forms in """
        beat beaten, become became, begin began begun, bend bent, bet, bite bit bitten, bleed bled
        blow blew blown, break broke broken, bring brought, build built, burn burnt, buy bought
        catch caught, choose chose chosen, come came, cost, cut, deal dealt, dig dug
        do does did done, draw drew drawn, dream dreamt, drink drank drunk, drive drove driven
        eat ate eaten, fall fell fallen, feed fed, feel felt, fight fought, find found, flee fled
        fly flew flown, forget forgot forgotten, freeze froze frozen, get got gotten
        give gave given, go goes went gone, grow grew grown, hang hung, have has had, hear heard
        hide hid hidden, hit, hold held, hurt, keep kept, know knew known, lay laid, lead led
        leave left, lend lent, lose lost, make made, mean meant, meet met, pay paid, put, quit
        read, ride rode ridden, ring rang rung, rise rose risen, run ran, say said, see saw seen
        sell sold, send sent, set, sew sewn, shake shook shaken, shoot shot, show shown, shut
        sing sang sung, sink sank sunk, sit sat, sleep slept, speak spoke spoken, spend spent
        spin spun, split, stand stood, steal stole stolen, stick stuck, sting stung, swear swore
        sweep swept, swim swam swum, take took taken, teach taught, tear tore torn, tell told
        think thought, throw threw thrown, understand understood, wake woke woken
        wear wore worn, win won, write wrote written
    """.replace("\n", ",").split(",")
    for form in forms.split()
}

# The words by which facts are told, for those who misspell them.
FACT_WORDS = _words("""
name called named allergic afraid scared like love hate work live years from have teach study
married profession
""")

NUMBERS = _words("""
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
""")

# The script of a letter, as the first word of its Unicode name, and the language that it suggests.
SCRIPTS = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CJK": "Chinese",
    "CYRILLIC": "Russian",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Hindi",
    "THAI": "Thai",
    "ARMENIAN": "Armenian",
    "GEORGIAN": "Georgian",
}

# Words that each language uses all the time and English does not.
FOREIGN: dict[str, frozenset[str]] = {
    "German": _words("""
        ich du er sie wir ihr mich dich mir dir uns euch der das den dem des ein eine einen
        einem einer nicht kein keine ist sind bist seid war waren habe hast haben hat und oder
        aber wenn weil dass daß wie wo wer wann warum wohin woher welche mein meine dein deine
        sein ihre auch noch schon nur sehr gut schlecht bitte danke hallo tschüss guten tag
        morgen abend nacht geht heiße heisse heißt heißen heissen komme kommst aus mit von zu
        zum zur für über nach bei tut weh sprechen sprichst spreche deutsch englisch verstehe
        kann kannst können muss möchte will willst machen mache machst ja nein vielleicht
        krank arzt schmerzen leuchtturm hilfe wer'
    """),
    "French": _words("""
        je j'ai tu il elle nous vous ils elles le la les une des du au aux ne pas que qui quoi
        où quand comment pourquoi est c'est suis es sommes êtes sont ai as avez avons ont mon ma
        mes ton ta tes votre notre et ou mais avec pour dans sur sous chez très bien mal bonjour
        bonsoir salut merci plaît plait s'il oui non revoir ça va parlez parle français anglais
        comprends rien m'appelle appelle appelez-vous d'où venez viens quel quelle êtes-vous
        mange faim malade médecin
    """),
    "Spanish": _words("""
        yo tú él ella nosotros ustedes usted ellos el los las una unos unas del al que qué quién
        cómo como cuándo dónde donde por porque para con sin está estás estoy están soy eres es
        son somos tengo tienes tiene hay muy bien mal hola adiós gracias buenos buenas días
        tardes noches favor sí señor señora mi mis tu tus su sus me te se lo llamo llamas llama
        hablas habla hablo español inglés ingles entiendo sé nada no
        puedo puede quiero quieres hacer dolor duele médico enfermo ayuda amigo
    """),
    "Italian": _words("""
        io tu lui lei noi voi loro il lo gli una uno dei delle della del che chi cosa come
        quando dove perché perche sono sei è siamo siete ho hai ha abbiamo non molto bene male
        ciao buongiorno buonasera arrivederci grazie prego sì mio mia tuo tua suo sua mi ti si
        chiamo chiami chiama parli parla parlo italiano inglese capisco posso
        puoi voglio vuoi fare dolore medico malato aiuto anche questo questa sta stai per con
    """),
    "Portuguese": _words("""
        eu você ele ela nós eles elas o os as um uma uns umas do da dos das no na nos nas que
        quem como quando onde porque por para com sem estou está estão sou é são somos tenho tem
        há muito bem mal olá oi tchau adeus obrigado obrigada bom boa dia tarde noite favor sim
        não meu minha seu sua me te se chamo chama fala falo português posso pode quero fazer
        dor doente médico ajuda amigo tudo
    """),
    "Dutch": _words("""
        ik jij hij zij wij jullie mij jou het een geen niet ben bent zijn heb hebt heeft hebben
        en maar wie wat waar wanneer waarom hoe mijn jouw uw ook nog zeer goed slecht hallo dag
        dank bedankt alstublieft alsjeblieft ja nee spreekt spreek nederlands kan kunt wil naam
        heet dokter ziek pijn doet goedemorgen goedenavond
    """),
    "Polish": _words("""
        ja ty on ona my wy oni nie tak jest jestem jesteś są mam masz ma co kto jak gdzie kiedy
        dlaczego czy i ale bardzo dobrze źle cześć dzień dobry dziękuję dziekuje proszę prosze
        do widzenia mój moja twój się na za po mówisz mówię polsku lekarz chory boli pomoc imię
    """),
    "Swedish": _words("""
        jag du han hon vi ni de inte är var har och men vad vem hur när varför min mitt din ditt
        mycket bra dåligt hej tack snälla ja nej god morgon kväll svenska talar pratar heter
        läkare sjuk ont hjälp också
    """),
    # ruff: noqa: RUF001 -- Turkish has a letter that looks like an i
    "Turkish": _words("""
        ben sen o biz siz onlar bu şu değil var yok ne kim nasıl nerede zaman neden evet hayır
        merhaba selam teşekkürler teşekkür ederim lütfen güle çok iyi kötü adım adın benim senin
        türkçe konuşuyor musun mısın hasta doktor
    """),
}
