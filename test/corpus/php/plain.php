<?php
echo "plain\n";
