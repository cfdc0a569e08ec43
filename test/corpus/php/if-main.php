<?php
if (realpath($_SERVER["SCRIPT_FILENAME"]) === __FILE__) {
    echo "main";
}
