<?php
return;
echo "never";
