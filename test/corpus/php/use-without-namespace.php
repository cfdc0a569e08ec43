<?php
use DateTime as DT;

echo (new DT("@0"))->format("Y");
