<?php
declare(ticks=1):
echo "alt";
enddeclare;
