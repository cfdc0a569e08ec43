<?php
echo "first";
use ArrayObject;
echo count(new ArrayObject([1]));
