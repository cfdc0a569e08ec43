<?php    
echo 1;
