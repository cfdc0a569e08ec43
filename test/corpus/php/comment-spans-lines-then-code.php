<?php /* first
second */ echo "spans";
