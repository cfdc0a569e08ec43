<?php
namespace App;
// imports
use ArrayObject; // one
/* two */ use DateTime;

echo count(new ArrayObject([1, 2]));
