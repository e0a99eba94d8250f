"""Given names that can be understood where a phrase has a `<name>`."""

from __future__ import annotations

__all__ = ["GIVEN_NAMES"]

NAMES = """
aaron abby ada adam adrian agnes alan albert alex alexander alexandra alfred alice alison
amanda amber amy ana andrea andrew angela anita ann anna anne annie anthony antonio april
arthur ashley audrey barbara barry becky ben benjamin bernard beth betty beverly bill bob
bonnie brad brandon brenda brian bridget bruce bryan cameron carl carla carlos carmen carol
caroline catherine cecilia charles charlie charlotte chloe chris christian christina
christine christopher cindy claire clara claudia colin connie craig crystal cynthia daisy
dan daniel danielle danny darren dave david dawn dean debbie deborah denise dennis derek
diana diane don donald donna doris dorothy doug douglas duncan dylan earl ed eddie edgar
edith edward edwin eileen elaine eleanor elena eli elizabeth ella ellen emily emma eric
erica erin ernest esther ethan eugene eva evan eve evelyn faith felix fiona florence frances
francis frank fred frederick gail gary gavin george gerald gina glen gloria gordon grace
graham grant greg gregory guy hannah harold harriet harry harvey hazel heather heidi helen
henry herbert holly howard hugh hugo ian ida irene iris isaac isabel isabella ivan ivy jack
jackie jacob jake james jamie jan jane janet janice jared jasmine jason jay jean jeff
jeffrey jennifer jenny jeremy jerry jesse jessica jill jim jimmy joan joanna joe joel john
johnny jonathan jordan jose joseph josephine joshua joy joyce juan judith judy julia julian
julie june justin karen karl kate katherine kathleen kathy katie keith kelly ken kenneth
kevin kim kimberly kurt kyle larry laura lauren laurie lawrence leah lee leo leon leonard
leslie lewis liam lillian lily linda lisa liz lloyd lois lola lori louis louise lucas lucy
luis luke lynn madeline maggie marc marcia marcus margaret maria marie marilyn mario marion
mark marjorie marlene marsha martha martin marvin mary matt matthew maureen maurice max may
megan melanie melissa michael michelle miguel mike mildred milo miranda mitchell molly
monica morgan nancy naomi natalie nathan neil nell nicholas nick nicole nina noah nora
norma norman oliver olivia oscar otto owen pam pamela pat patricia patrick paul paula
pauline pearl pedro peggy penny percy peter phil philip phillip phoebe phyllis rachel ralph
randy ray raymond rebecca renee rex rhonda richard rick rita rob robert roberta robin rodney
roger roland ron ronald ronnie rosa rosalind rose rosemary ross roy ruby russell ruth ryan
sally sam samantha samuel sandra sandy sara sarah scott sean sebastian sergio seth shannon
sharon sheila shirley sidney simon sofia sonia sophia sophie stacy stan stanley stella
stephanie stephen steve steven stuart sue susan suzanne sylvia tamara tara ted teresa terry
thelma theodore theresa thomas tim timothy tina toby todd tom tommy tony tracy travis trevor
tyler ursula valerie vanessa vera verna veronica victor victoria vincent viola violet
virginia vivian walter wanda warren wayne wendy wilbur william willie yolanda yvonne zachary
zoe
"""

GIVEN_NAMES = tuple(NAMES.split())
