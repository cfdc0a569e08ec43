<?php




echo "later";
