<?php
foreach ([1, 2] as $i):
    if ($i > 1):
        echo "big";
    else:
        echo "small";
    endif;
endforeach;
while (false): endwhile;
switch (1):
    case 1: echo "one"; break;
endswitch;
