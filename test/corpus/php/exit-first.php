<?php
exit("bye\n");
