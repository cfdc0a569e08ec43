<?php
echo "a";
?>
some text
<?php
echo "b";
