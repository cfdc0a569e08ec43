<?php
declare(ticks=1);
register_tick_function(function () {});
echo "ticks";
