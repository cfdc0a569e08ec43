<?php
	$a = 'tab';
	echo $a;
