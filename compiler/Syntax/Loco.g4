// The grammar of loco.
//
// The parser reads what TokenFilter leaves: the first line `loco 1` is gone,
// line ends that mean nothing are gone, and every statement, also the last one
// before `}`, ends with exactly one END. Which statement may stand where is
// checked by ASTBuilder, which can say more about it.
//
// All choices need at most two tokens of lookahead. Sums, products and the
// chains of `^` and `@` are loops, so that the depth of recursion is the depth
// of brackets, which TokenFilter bounds.

grammar Loco;

file : item* EOF ;

item : statement END ;

statement
  : use | model | layer | run
  | lattice | input | param | coupling | state | init | encode | decode | let
  | draw | require | dynamics | step | solve | loss | output | probe | result
  | plain
  ;

block : LBRACE item* RBRACE ;

// In files.

use : USE path ;
path : word (DOT word)* ;

model : (MODEL | SYSTEM) modelHead (ASSIGN value | block) ;
modelHead : name parameters? ;

layer : LAYER layerHead block ;
layerHead : name parameters (ARROW spaced)? ;

run : (TRAIN | ANALYZE | SIMULATE) runHead runBlock ;
runHead : name ;
runBlock : LBRACE settingItem* RBRACE ;
settingItem : setting END ;
setting
  : probe
  | word ((STRING | path) ASSIGN)? value? (AFTER value)? every?
  ;

parameters : LPAREN (parameter (COMMA parameter)* COMMA?)? RPAREN ;
parameter : name (COLON full)? (ASSIGN full)? ;

// In models, systems and layers.

lattice : LATTICE name ASSIGN spaced ;

input : INPUT name (COMMA name)* COLON spaced (PER STEP)? ;

param : (PARAM | FROZEN | CONST) paramItem (COMMA paramItem)* ;
paramItem : name paramClause* ;
paramClause
  : ON postfix
  | COLON spaced
  | ASSIGN value
  | TILDE value
  | interval
  | VIA word
  ;

interval : IN (LPAREN | LBRACKET) value COMMA value (RPAREN | RBRACKET) ;

coupling : FROZEN? COUPLING name (COMMA name)* rangeClause* COLON value couplingClause* ;
rangeClause : interval | VIA word ;
couplingClause
  : ON postfix
  | MIXING word
  | BIAS ((ASSIGN | TILDE) value)?
  | INIT value
  ;

state : STATE stateItem (COMMA stateItem)* ;
stateItem : name stateClause* ;
stateClause
  : ON postfix
  | COLON spaced
  | WITH VELOCITY name (COMMA name)*
  | ASSIGN value
  | TILDE value
  | CARRY
  ;

init : INIT initItem (COMMA initItem)* ;
initItem : targets ASSIGN value ;

encode : ENCODE name ASSIGN value ;
decode : DECODE name ASSIGN value ;
let : LET targets parameters? ASSIGN value ;
draw : DRAW name (COMMA name)* (ON postfix)? TILDE value (PER STEP)? ;
require : REQUIRE value ;
dynamics : DYNAMICS (block | value) ;
step : AFTER? STEP block ;
solve : SOLVE value every? ;
loss : LOSS name? ASSIGN value (WEIGHT value)? ;
output : OUTPUT name (COLON spaced)? ASSIGN value ;
probe : PROBE (STRING ASSIGN)? value every? ;
result : RETURN value (COMMA value)* ;
every : EVERY value ;

// An equation, an update, or a named value of a layer.
plain : equation (COMMA equation)* ;
equation : value (ASSIGN | UPDATE) value ;

targets : name | LPAREN name (COMMA name)+ RPAREN ;

// Expressions, loosest first. `value` is what stands behind `=`; spaces and
// arrows stand behind `:`, and in parentheses.

full
  : ARROW spaced
  | spaced (ARROW spaced | OVER postfix)?
  ;
spaced : located (BY located)* ;
located : value (ON postfix)? ;

value : comparison (PIPE comparison)* ;
comparison : sum ((LT | LE | GT | GE | EQ | NE) sum)* ;
sum : product ((PLUS | MINUS) product)* ;
product : factor ((STAR | SLASH) factor)* ;
// `^` binds tighter than `@`, both lean to the right.
factor : (PLUS | MINUS)* postfix ((CARET | AT) (PLUS | MINUS)* postfix)* ;
postfix : atom suffix* ;

suffix
  : PRIME
  | DOT word
  | LPAREN (argument (COMMA argument)* COMMA?)? RPAREN
  | LBRACKET subscript (COMMA subscript)* RBRACKET
  ;

argument
  : word ASSIGN full (RANGE value)?
  | word TILDE full
  | word COLON full
  | name IN postfix COLON full
  | full
  ;

subscript
  : RANGE value?
  | full (RANGE value?)?
  ;

atom
  : NUMBER ID?
  | STRING
  | name
  | LPAREN full (COMMA full)* COMMA? RPAREN
  | LBRACKET (full (COMMA full)* COMMA?)? RBRACKET
  ;

// What can be declared and referred to. Words that only help within one
// statement stay free.
name : ID | BIAS | MIXING | VELOCITY | WEIGHT ;

// Where no statement can begin, every word is a name.
word
  : name
  | USE | MODEL | SYSTEM | LAYER | TRAIN | ANALYZE | SIMULATE
  | LATTICE | INPUT | PARAM | FROZEN | CONST | COUPLING | STATE | INIT
  | ENCODE | DECODE | LET | DRAW | REQUIRE | DYNAMICS | STEP | AFTER | SOLVE | LOSS | OUTPUT
  | RETURN | ON | IN | VIA | BY | OVER | PER | EVERY | WITH | CARRY
  ;

// Lexer. The input is bytes, so that places are byte offsets; names are ASCII.

USE : 'use' ;
MODEL : 'model' ;
SYSTEM : 'system' ;
LAYER : 'layer' ;
TRAIN : 'train' ;
ANALYZE : 'analyze' ;
SIMULATE : 'simulate' ;
LATTICE : 'lattice' ;
INPUT : 'input' ;
PARAM : 'param' ;
FROZEN : 'frozen' ;
CONST : 'const' ;
COUPLING : 'coupling' ;
STATE : 'state' ;
INIT : 'init' ;
ENCODE : 'encode' ;
DECODE : 'decode' ;
LET : 'let' ;
DRAW : 'draw' ;
REQUIRE : 'require' ;
DYNAMICS : 'dynamics' ;
STEP : 'step' ;
AFTER : 'after' ;
SOLVE : 'solve' ;
LOSS : 'loss' ;
OUTPUT : 'output' ;
PROBE : 'probe' ;
RETURN : 'return' ;
ON : 'on' ;
IN : 'in' ;
VIA : 'via' ;
BY : 'by' ;
OVER : 'over' ;
PER : 'per' ;
EVERY : 'every' ;
WITH : 'with' ;
CARRY : 'carry' ;
BIAS : 'bias' ;
MIXING : 'mixing' ;
VELOCITY : 'velocity' ;
WEIGHT : 'weight' ;

LBRACE : '{' ;
RBRACE : '}' ;
LPAREN : '(' ;
RPAREN : ')' ;
LBRACKET : '[' ;
RBRACKET : ']' ;
COMMA : ',' ;
COLON : ':' ;
DOT : '.' ;
RANGE : '..' ;
PRIME : '\'' ;
ASSIGN : '=' ;
UPDATE : '<-' ;
TILDE : '~' ;
ARROW : '->' ;
PIPE : '|>' ;
PLUS : '+' ;
MINUS : '-' ;
STAR : '*' ;
SLASH : '/' ;
CARET : '^' ;
AT : '@' ;
LT : '<' ;
LE : '<=' ;
GT : '>' ;
GE : '>=' ;
EQ : '==' ;
NE : '!=' ;

NUMBER : DIGIT+ ('.' DIGIT+)? EXPONENT? | '.' DIGIT+ EXPONENT? ;
ID : [A-Za-z_] [A-Za-z_0-9]* ;
STRING : '"' (ESCAPE | ~["\\\r\n])* '"' ;
OPEN_STRING : '"' (ESCAPE | ~["\\\r\n])* '\\'? ;

// A line end or `;`. TokenFilter keeps those that end a statement.
END : '\r'? '\n' | '\r' | ';' ;

COMMENT : '#' ~[\r\n]* -> skip ;
SPACE : [ \t]+ -> skip ;
// Some editors put these three bytes before the text.
BYTE_ORDER_MARK : '\u00EF\u00BB\u00BF' -> skip ;
INVALID : . ;

fragment DIGIT : [0-9] ;
fragment EXPONENT : [eE] [+-]? DIGIT+ ;
fragment ESCAPE : '\\' ~[\r\n] ;
