<?php
const VERSION = "1.2";
define("X", VERSION . "3");
echo X;
